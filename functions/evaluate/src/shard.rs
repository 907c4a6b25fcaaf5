//! Shards of investors: a function that evaluates only some of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The investors of a shard; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Investors(BTreeSet<u32>);

/// Text that names no shard.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidInvestors {
    /// Not numbers.
    #[error("must be numbers of investors separated by commas, such as 1,2,3")]
    Numbers,
    /// The shard's name would not fit where its chain lies.
    #[error("must be fewer numbers, or such as follow one another")]
    TooScattered,
}

/// Names of files end at 255 bytes.
const MAX_NAME: usize = 200;

impl Investors {
    /// Whether an investor is in the shard.
    pub fn contains(&self, investor: u32) -> bool {
        self.0.contains(&investor)
    }
}

impl FromStr for Investors {
    type Err = InvalidInvestors;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split(',').map(|number| number.trim().parse::<u32>());
        let investors = Self(
            numbers
                .collect::<Result<_, _>>()
                .map_err(|_| InvalidInvestors::Numbers)?,
        );
        let fits = investors.to_string().len() <= MAX_NAME;
        fits.then_some(investors)
            .ok_or(InvalidInvestors::TooScattered)
    }
}

impl fmt::Display for Investors {
    /// The shard's name, `investors_1-3_7`: the same however the list was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("investors")?;
        let mut numbers = self.0.iter().copied().peekable();
        while let Some(first) = numbers.next() {
            let mut last = first;
            while let Some(next) = numbers.next_if(|next| last.checked_add(1) == Some(*next)) {
                last = next;
            }
            write!(f, "_{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_shard_has_one_name_however_it_is_written() {
        for text in ["1,2,3,7", "7, 3 ,2,1,1"] {
            let investors: Investors = text.parse().unwrap();
            assert_eq!(investors.to_string(), "investors_1-3_7");
            assert!(investors.contains(7) && !investors.contains(4));
        }
        let scattered = (0..100)
            .map(|n| (n * 2).to_string())
            .collect::<Vec<_>>()
            .join(",");
        assert_eq!(
            scattered.parse::<Investors>(),
            Err(InvalidInvestors::TooScattered)
        );
        for bad in ["x", "1,,2", "-1", "1;2"] {
            assert_eq!(bad.parse::<Investors>(), Err(InvalidInvestors::Numbers));
        }
    }
}
