//! What must hold after every schedule. The names are the ones that documents and failures use.

use std::fmt;

/// A promise that every schedule is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Left alone, the system consumes every record.
    CatchesUp,
    /// Each link begins where the one before it ends, and is named so.
    LinksContiguous,
    /// Every record is a row of its table exactly once, in order, or else a dead letter; but for those of a gap that was
    /// accepted.
    RowsExactlyOnce,
    /// Every record that cannot be decoded is in `dead_letter` exactly once, in order, at its offset.
    DeadLettersExactlyOnce,
    /// When an invocation says that records are done, they are in the store, and what came of them is published.
    DoneIsStored,
    /// The evaluations are those of an undisturbed run over the same log and the same holdings, to the byte.
    EvaluationsAsUndisturbed,
    /// What is published, repeats left out, is what is stored.
    PublishedAsStored,
    /// A gap that a chain goes on after is a row of `gaps`.
    GapsAreTold,
    /// A window is never evaluated with older holdings than one that was closed by a link before its own.
    HoldingsGoForward,
}

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 9] = [
        Self::CatchesUp,
        Self::LinksContiguous,
        Self::RowsExactlyOnce,
        Self::DeadLettersExactlyOnce,
        Self::DoneIsStored,
        Self::EvaluationsAsUndisturbed,
        Self::PublishedAsStored,
        Self::GapsAreTold,
        Self::HoldingsGoForward,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CatchesUp => "catches-up",
            Self::LinksContiguous => "links-contiguous",
            Self::RowsExactlyOnce => "rows-exactly-once",
            Self::DeadLettersExactlyOnce => "dead-letters-exactly-once",
            Self::DoneIsStored => "done-is-stored",
            Self::EvaluationsAsUndisturbed => "evaluations-as-undisturbed",
            Self::PublishedAsStored => "published-as-stored",
            Self::GapsAreTold => "gaps-are-told",
            Self::HoldingsGoForward => "holdings-go-forward",
        }
    }

    /// That it does not hold, and how one sees it.
    pub(crate) fn violated(self, detail: impl Into<String>) -> Violation {
        Violation {
            invariant: self,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// How one sees it.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.detail)
    }
}
