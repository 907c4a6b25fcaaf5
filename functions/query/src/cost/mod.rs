//! `/cost`: what a month of all this costs on AWS, from what was measured here and what AWS asks.

mod alternatives;
mod idle;
mod measured;
mod model;
mod page;
mod prices;

#[cfg(test)]
mod tests;

pub(crate) use page::page;
