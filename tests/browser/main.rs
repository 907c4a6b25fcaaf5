//! What people see, in a real browser over the real system.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod attacks;
mod editing;
mod inspection;
mod pages;
mod sql_editor;
