//! What tests of stores share: the conformance suite, the model, the mirror, the generators.
