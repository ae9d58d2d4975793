//! A counted tree with shared nodes: what every large collection is made of.
//!
//! ```text
//! branch:  up to 64 children, each with how many elements and bytes it has and its first key
//!   leaf:  a short run of elements, of whatever form the collection chose
//! ```
//!
//! An element is found by its index, or in a sorted tree by its key, in a few steps. Cloning a tree shares its
//! root; a change copies the nodes between the root and one leaf if they are shared, and no other. A tree grows
//! and shrinks a leaf at a time. So no single change takes long, whatever the size and whoever else looks.
//!
//! Invariant: all leaves are equally deep; none is empty but that of an empty tree.
//! Invariant: the counts and the first key that a branch notes of a child are those of the child.

use std::ops::Range;
use std::sync::Arc;

/// Most children of a branch.
const CHILDREN_MAX: usize = 64;

/// A branch with fewer children joins a neighbour, if both fit into [`CHILDREN_JOINED_MAX`].
const CHILDREN_MIN: usize = CHILDREN_MAX / 4;

/// So that what has just been joined does not split again at once.
const CHILDREN_JOINED_MAX: usize = CHILDREN_MAX / 4 * 3;

/// A short run of elements.
pub(super) trait Leaf: Clone + Default + std::fmt::Debug {
    /// What elements are sorted by; `()` in a tree that is not sorted.
    type Key: Clone + std::fmt::Debug;

    /// How many elements there are.
    fn len(&self) -> usize;

    /// The key of the first element; `None` when there is none.
    fn first(&self) -> Option<Self::Key>;

    /// Bytes of heap, its own place in the tree included.
    fn heap_bytes(&self) -> usize;

    /// Whether it must be split.
    fn is_over(&self) -> bool;

    /// Whether it should join a neighbour.
    fn is_under(&self) -> bool;

    /// Whether `next` may join it.
    fn has_room_for(&self, next: &Self) -> bool;

    /// Cuts off and returns the elements behind the best place for it; leaves and returns one at least.
    fn split(&mut self, bias: Bias) -> Self;

    /// Takes the elements of `next` behind its own.
    fn join(&mut self, next: Self);

    /// Cuts out and returns a range of elements.
    fn cut(&mut self, range: Range<usize>) -> Self;
}

/// Where more elements are to be expected after a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bias {
    Front,
    Even,
    Back,
}

impl Bias {
    /// How many of `len`, 2 at least, stay in front of a split.
    pub(super) fn kept(self, len: usize) -> usize {
        match self {
            Self::Front => 1,
            Self::Even => len / 2,
            Self::Back => len - 1,
        }
    }
}

/// A sequence of elements in leaves.
#[derive(Clone, Debug)]
pub(super) struct Tree<L: Leaf> {
    root: Node<L>,
    len: usize,
    bytes: usize,
}

#[derive(Clone, Debug)]
enum Node<L: Leaf> {
    Leaf(Arc<L>),
    Branch(Arc<Branch<L>>),
}

#[derive(Clone, Debug)]
struct Branch<L: Leaf> {
    children: Vec<Child<L>>,
    /// Of all children together.
    len: usize,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Child<L: Leaf> {
    len: usize,
    bytes: usize,
    first: L::Key,
    node: Node<L>,
}

/// What was cut out of a tree, to be dropped when there is time.
#[derive(Debug)]
pub(super) struct CutOut<L: Leaf>(Vec<Node<L>>);

impl<L: Leaf> CutOut<L> {
    /// Bytes of heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.0.iter().map(Node::heap_bytes).sum()
    }
}

/// An element's place: its leaf, its number there and in the tree.
#[derive(Debug)]
pub(super) struct Found<'t, L> {
    pub(super) leaf: &'t L,
    pub(super) offset: usize,
    pub(super) index: usize,
}

impl<L: Leaf> Default for Tree<L> {
    fn default() -> Self {
        Self {
            root: Node::Leaf(Arc::default()),
            len: 0,
            bytes: 0,
        }
    }
}

impl<L: Leaf> Tree<L> {
    /// The tree of these elements, which may be more than one leaf's worth.
    pub(super) fn of(leaf: L) -> Self {
        let mut tree = Self {
            root: Node::Leaf(Arc::new(leaf)),
            len: 0,
            bytes: 0,
        };
        tree.settle(Bias::Even);
        tree
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The leaf that all elements are in, if there is no other.
    pub(super) fn only_leaf(&self) -> Option<&L> {
        match &self.root {
            Node::Leaf(leaf) => Some(leaf),
            Node::Branch(_) => None,
        }
    }

    /// Bytes of heap, known without a walk.
    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes
    }

    /// Where the element with this index is. Of an index beyond the last, the end of the last leaf.
    pub(super) fn find(&self, index: usize) -> Found<'_, L> {
        let (mut node, mut offset) = (&self.root, index);
        loop {
            match node {
                Node::Leaf(leaf) => {
                    return Found {
                        leaf,
                        offset,
                        index,
                    };
                }
                Node::Branch(branch) => {
                    let number = branch.child_of(&mut offset);
                    node = &branch.children[number].node;
                }
            }
        }
    }

    /// Where the elements end that stand `before` a point of the order, and how many of a leaf do.
    pub(super) fn search(
        &self,
        before: impl Fn(&L::Key) -> bool,
        in_leaf: impl Fn(&L) -> usize,
    ) -> Found<'_, L> {
        let (mut node, mut passed) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let offset = in_leaf(leaf);
                    return Found {
                        leaf,
                        offset,
                        index: passed + offset,
                    };
                }
                Node::Branch(branch) => {
                    let children = &branch.children;
                    let begun = children.partition_point(|child| before(&child.first));
                    let number = begun.saturating_sub(1);
                    passed += children[..number]
                        .iter()
                        .map(|child| child.len)
                        .sum::<usize>();
                    node = &children[number].node;
                }
            }
        }
    }

    /// Changes the leaf of the element with this index, or of the end: whatever it does there, the tree is in
    /// order again afterwards.
    pub(super) fn edit<R>(&mut self, index: usize, change: impl FnOnce(&mut L, usize) -> R) -> R {
        let bias = match index {
            0 => Bias::Front,
            _ if index + 1 >= self.len => Bias::Back,
            _ => Bias::Even,
        };
        let answer = self.root.edit(index, bias, change);
        self.settle(bias);
        answer
    }

    /// Cuts out a range of elements, as far as there are any.
    pub(super) fn cut(&mut self, range: Range<usize>) -> CutOut<L> {
        let end = range.end.min(self.len);
        let start = range.start.min(end);
        let mut gone = Vec::new();
        if start == 0 && end == self.len {
            gone.push(std::mem::take(self).root);
        } else if start < end {
            self.root.cut(start..end, &mut gone);
            self.settle(Bias::Even);
        }
        CutOut(gone)
    }

    /// Makes the root what a root must be.
    fn settle(&mut self, bias: Bias) {
        while self.root.is_over() {
            let root = std::mem::replace(&mut self.root, Node::Leaf(Arc::default()));
            let mut branch = Branch::of(root.into_child().into_iter().collect());
            branch.mend(0, bias);
            self.root = Node::Branch(Arc::new(branch));
        }
        while let Node::Branch(branch) = &self.root
            && branch.children.len() < 2
        {
            let only = branch.children.first().map(|child| child.node.clone());
            self.root = only.unwrap_or_else(|| Node::Leaf(Arc::default()));
        }
        (self.len, self.bytes) = (self.root.len(), self.root.heap_bytes());
    }
}

impl<L: Leaf> Node<L> {
    fn len(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.len(),
            Self::Branch(branch) => branch.len,
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.heap_bytes(),
            Self::Branch(branch) => branch.bytes,
        }
    }

    fn first(&self) -> Option<L::Key> {
        match self {
            Self::Leaf(leaf) => leaf.first(),
            Self::Branch(branch) => branch.children.first().map(|child| child.first.clone()),
        }
    }

    /// As a child of a branch; `None` when it is empty.
    fn into_child(self) -> Option<Child<L>> {
        Some(Child {
            len: self.len(),
            bytes: self.heap_bytes(),
            first: self.first()?,
            node: self,
        })
    }

    fn edit<R>(&mut self, index: usize, bias: Bias, change: impl FnOnce(&mut L, usize) -> R) -> R {
        match self {
            Self::Leaf(leaf) => change(Arc::make_mut(leaf), index),
            Self::Branch(branch) => {
                let branch = Arc::make_mut(branch);
                let mut offset = index;
                let number = branch.child_of(&mut offset);
                let answer = branch.children[number].node.edit(offset, bias, change);
                branch.note(number, offset == 0);
                branch.mend(number, bias);
                answer
            }
        }
    }

    /// Cuts out a range that is not all there is.
    fn cut(&mut self, range: Range<usize>, gone: &mut Vec<Self>) {
        match self {
            Self::Leaf(leaf) => {
                let cut = Arc::make_mut(leaf).cut(range);
                gone.push(Self::Leaf(Arc::new(cut)));
            }
            Self::Branch(branch) => {
                let branch = Arc::make_mut(branch);
                let mut before_child = branch.len;
                for number in (0..branch.children.len()).rev() {
                    let child = &mut branch.children[number];
                    before_child -= child.len;
                    let start = range.start.saturating_sub(before_child).min(child.len);
                    let end = range.end.saturating_sub(before_child).min(child.len);
                    if start == 0 && end == child.len {
                        gone.push(branch.remove(number).node);
                    } else if start < end {
                        child.node.cut(start..end, gone);
                        branch.note(number, start == 0);
                    }
                }
                for number in (0..branch.children.len()).rev() {
                    branch.mend(number, Bias::Even);
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Leaf(leaf) => leaf.is_over(),
            Self::Branch(branch) => branch.children.len() > CHILDREN_MAX,
        }
    }

    fn is_under(&self) -> bool {
        match self {
            Self::Leaf(leaf) => leaf.is_under(),
            Self::Branch(branch) => branch.children.len() < CHILDREN_MIN,
        }
    }

    fn has_room_for(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Leaf(leaf), Self::Leaf(next)) => leaf.has_room_for(next),
            (Self::Branch(branch), Self::Branch(next)) => {
                branch.children.len() + next.children.len() <= CHILDREN_JOINED_MAX
            }
            _ => false,
        }
    }

    fn split(&mut self, bias: Bias) -> Self {
        match self {
            Self::Leaf(leaf) => Self::Leaf(Arc::new(Arc::make_mut(leaf).split(bias))),
            Self::Branch(branch) => {
                let branch = Arc::make_mut(branch);
                let children = branch.children.len();
                // Two at least on either side.
                let kept = bias.kept(children).clamp(2, children - 2);
                let next = Branch::of(branch.children.split_off(kept));
                branch.len -= next.len;
                branch.bytes -= next.bytes;
                Self::Branch(Arc::new(next))
            }
        }
    }

    fn join(&mut self, next: Self) {
        match (self, next) {
            (Self::Leaf(leaf), Self::Leaf(next)) => {
                Arc::make_mut(leaf).join(Arc::unwrap_or_clone(next));
            }
            (Self::Branch(branch), Self::Branch(next)) => {
                let branch = Arc::make_mut(branch);
                let next = Arc::unwrap_or_clone(next);
                branch.len += next.len;
                branch.bytes += next.bytes;
                branch.children.extend(next.children);
            }
            _ => unreachable!("neighbours are equally deep"),
        }
    }
}

impl<L: Leaf> Branch<L> {
    fn of(children: Vec<Child<L>>) -> Self {
        Self {
            len: children.iter().map(|child| child.len).sum(),
            bytes: children.iter().map(|child| child.bytes).sum(),
            children,
        }
    }

    /// The number of the child with the element at `index`, or the last one; `index` becomes the element's there.
    fn child_of(&self, index: &mut usize) -> usize {
        let last = self.children.len() - 1;
        for (number, child) in self.children[..last].iter().enumerate() {
            if *index < child.len {
                return number;
            }
            *index -= child.len;
        }
        last
    }

    /// Notes what a child has become; the first key only if it may be another one.
    fn note(&mut self, number: usize, first_too: bool) {
        let child = &mut self.children[number];
        let (len, bytes) = (child.node.len(), child.node.heap_bytes());
        self.len = self.len - child.len + len;
        self.bytes = self.bytes - child.bytes + bytes;
        (child.len, child.bytes) = (len, bytes);
        if first_too && let Some(first) = child.node.first() {
            child.first = first;
        }
    }

    fn insert(&mut self, number: usize, child: Child<L>) {
        self.len += child.len;
        self.bytes += child.bytes;
        self.children.insert(number, child);
    }

    fn remove(&mut self, number: usize) -> Child<L> {
        let child = self.children.remove(number);
        self.len -= child.len;
        self.bytes -= child.bytes;
        child
    }

    /// Splits, joins or removes a child that has changed, as it needs.
    fn mend(&mut self, number: usize, bias: Bias) {
        let child = &mut self.children[number];
        if child.len == 0 {
            self.remove(number);
        } else if child.node.is_over() {
            let next = child.node.split(bias);
            self.note(number, false);
            if let Some(next) = next.into_child() {
                self.insert(number + 1, next);
                self.mend(number + 1, bias);
            }
            self.mend(number, bias);
        } else if child.node.is_under() && !self.join(number) && number > 0 {
            self.join(number - 1);
        }
    }

    /// Joins a child with the next one, if both are one child's worth.
    fn join(&mut self, number: usize) -> bool {
        let fits = match &self.children[number..] {
            [child, next, ..] => child.node.has_room_for(&next.node),
            _ => false,
        };
        if fits {
            let next = self.remove(number + 1);
            self.children[number].node.join(next.node);
            self.note(number, false);
        }
        fits
    }
}
