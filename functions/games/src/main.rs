//! Wires the Games API to Lambda.
fn main() {}
