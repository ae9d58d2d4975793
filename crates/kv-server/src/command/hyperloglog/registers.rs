//! The registers of a sketch, side by side: what every encoding stands for.

use super::hash::INDEX_BITS;

/// How many registers a sketch has.
pub(super) const REGISTERS: usize = 1 << INDEX_BITS;

/// One number per register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registers(Box<[u8; REGISTERS]>);

impl Registers {
    /// All zeros: no element.
    pub(super) fn new() -> Self {
        Self(Box::new([0; REGISTERS]))
    }

    /// Raises a register to at least `value`. One that does not exist is passed over.
    pub(super) fn raise(&mut self, index: usize, value: u8) {
        if let Some(register) = self.0.get_mut(index) {
            *register = value.max(*register);
        }
    }

    /// The registers that are not 0.
    pub(super) fn filled(&self) -> impl Iterator<Item = (usize, u8)> {
        let all = self.0.iter().copied().enumerate();
        all.filter(|(_, value)| *value > 0)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The numbers.
    pub(super) fn values(&self) -> impl Iterator<Item = u8> {
        self.0.iter().copied()
    }

    /// How many registers hold each number.
    pub(super) fn histogram(&self) -> [u32; 64] {
        let mut histogram = [0; 64];
        for value in self.0.iter() {
            histogram[usize::from(value & 63)] += 1;
        }
        histogram
    }
}
