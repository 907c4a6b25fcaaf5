//! Templates, whole or broken.
#![no_main]
#![allow(dead_code, unused_imports)] // of the local stack no more than its reading of templates is compiled

#[path = "../../localstack/src/scheduler/expression.rs"]
mod expression;
#[path = "../properties/template.rs"]
mod properties;
#[path = "../../localstack/src/template/mod.rs"]
mod template;

/// Where the template module finds schedule expressions in the local stack.
mod scheduler {
    pub(crate) use crate::expression::Expression;
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| properties::hold(data));
