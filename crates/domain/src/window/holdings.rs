//! The versions of the investors' holdings that windows are evaluated with.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::Portfolio;

/// Which version of each investor's holdings counts.
pub type HoldingsVersions = BTreeMap<u32, u64>;

/// Holdings by investor and version, and which version of each is current.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    current: HoldingsVersions,
    portfolios: BTreeMap<(u32, u64), Vec<Portfolio>>,
}

/// A version that a window was opened with is not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "version {version} of the holdings of investor {investor} is needed by an open window and not at hand"
)]
pub struct MissingHoldings {
    /// Whose holdings.
    pub investor: u32,
    /// Which version.
    pub version: u64,
}

impl Holdings {
    /// Adds a version, not making it current.
    pub fn insert(&mut self, investor: u32, version: u64, mut portfolios: Vec<Portfolio>) {
        portfolios.sort_by_key(|portfolio| portfolio.id);
        self.portfolios.insert((investor, version), portfolios);
    }

    /// Adds a version that holds for every window that opens from now on.
    pub fn insert_current(&mut self, investor: u32, version: u64, portfolios: Vec<Portfolio>) {
        self.insert(investor, version, portfolios);
        self.current.insert(investor, version);
    }

    /// Forgets all versions but the current ones and those in `used`.
    pub fn retain(&mut self, used: &BTreeSet<(u32, u64)>) {
        let current = &self.current;
        self.portfolios
            .retain(|key, _| used.contains(key) || current.get(&key.0) == Some(&key.1));
    }

    /// The versions that a window which opens now is evaluated with.
    pub fn current(&self) -> &HoldingsVersions {
        &self.current
    }

    pub(super) fn get(&self, investor: u32, version: u64) -> Result<&[Portfolio], MissingHoldings> {
        let portfolios = self.portfolios.get(&(investor, version));
        portfolios
            .map(Vec::as_slice)
            .ok_or(MissingHoldings { investor, version })
    }
}
