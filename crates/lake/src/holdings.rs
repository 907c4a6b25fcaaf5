//! Who holds what: one small object per investor and version, never changed once it stands.
//!
//! A change creates the next version if it is absent, so of two at once one finds its number taken,
//! reads again and goes on from there: a compare-and-swap on every store that can create.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{Portfolio, PortfolioId, Ticker, initial_portfolios};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::{Created, ObjectPath, PathError, Store, StoreError};

const FOLDER: &str = "holdings";

/// How many others may get in between a reading and its change before the change is given up.
const ATTEMPTS: u32 = 20;

/// What one investor holds, as of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvestorHoldings {
    /// Number of the investor.
    pub investor: u32,
    /// 1 at first, one more with each change.
    pub version: u64,
    /// What the investor is called.
    pub name: String,
    /// The portfolios, by id.
    pub portfolios: Vec<Portfolio>,
}

/// Why holdings cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum HoldingsError {
    /// Storage failed.
    #[error("holdings cannot be read or written")]
    Store(#[from] StoreError),
    /// A name that the lake cannot have.
    #[error("holdings cannot be named")]
    Name(#[from] PathError),
    /// An object is not what this version of the code writes.
    #[error("{path} is damaged")]
    Damaged {
        /// The object.
        path: ObjectPath,
        /// How.
        #[source]
        source: serde_json::Error,
    },
    /// An object that has no business in the folder.
    #[error("{path} is no version of an investor's holdings; take it out of the lake")]
    Foreign {
        /// The object.
        path: ObjectPath,
    },
    /// Holdings that JSON cannot hold.
    #[error("holdings of investor {investor} cannot be encoded")]
    Encode {
        /// Whose.
        investor: u32,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Others kept changing the same investor's holdings.
    #[error("holdings of investor {investor} are being changed by others, try again")]
    Contended {
        /// Whose.
        investor: u32,
    },
}

/// The object's form. Tickers are texts, so the file reads well.
#[derive(Serialize, Deserialize)]
struct Stored {
    investor: u32,
    version: u64,
    name: String,
    portfolios: BTreeMap<u32, StoredPortfolio>,
}

#[derive(Serialize, Deserialize)]
struct StoredPortfolio {
    holdings: BTreeMap<Ticker, u64>,
    active: bool,
}

/// Gives the three investors of the start their first version, where they have none.
///
/// Every process asks at its start, so it is a reading for each at once, and writing only where nothing is found.
pub async fn seed(store: &dyn Store) -> Result<(), HoldingsError> {
    let mut investors = BTreeMap::<u32, Vec<Portfolio>>::new();
    for portfolio in initial_portfolios() {
        investors
            .entry(portfolio.id.investor)
            .or_default()
            .push(portfolio);
    }
    let seeding = investors
        .into_iter()
        .map(|(investor, portfolios)| async move {
            let first = InvestorHoldings {
                portfolios,
                ..none_yet(investor)
            }
            .next();
            match store.read(&path(investor, first.version)?).await {
                Ok(_) => Ok(()),
                Err(StoreError::NotFound { .. }) => create(store, &first).await.map(drop),
                Err(failed) => Err(failed.into()),
            }
        });
    try_join_all(seeding).await.map(drop)
}

/// The last version of every investor's holdings, by investor.
pub async fn latest(store: &dyn Store) -> Result<Vec<InvestorHoldings>, HoldingsError> {
    let mut versions = BTreeMap::<u32, u64>::new();
    for path in store.list(FOLDER, None).await? {
        let (investor, version) = parse(&path)?;
        versions.insert(investor, version); // listed by name, so the last one stays
    }
    let mut found = Vec::with_capacity(versions.len());
    for (investor, version) in versions {
        found.push(read(store, investor, version).await?);
    }
    Ok(found)
}

/// One version of an investor's holdings.
pub async fn read(
    store: &dyn Store,
    investor: u32,
    version: u64,
) -> Result<InvestorHoldings, HoldingsError> {
    let path = path(investor, version)?;
    let body = store.read(&path).await?;
    let stored: Stored =
        serde_json::from_slice(&body).map_err(|source| HoldingsError::Damaged { path, source })?;
    Ok(InvestorHoldings {
        investor: stored.investor,
        version: stored.version,
        name: stored.name,
        portfolios: stored
            .portfolios
            .into_iter()
            .map(|(portfolio, stored)| Portfolio {
                id: PortfolioId {
                    investor,
                    portfolio,
                },
                holdings: stored.holdings,
                active: stored.active,
            })
            .collect(),
    })
}

/// Makes `portfolio` what it now says, and its investor known; returns the new version.
pub async fn put(
    store: &dyn Store,
    portfolio: Portfolio,
) -> Result<InvestorHoldings, HoldingsError> {
    change(store, portfolio.id.investor, |portfolios| {
        portfolios.insert(portfolio.id.portfolio, portfolio.clone());
        true
    })
    .await
    .map(|(_, holdings)| holdings)
}

/// Adds a portfolio where there is none of its id yet; says whether it did.
pub async fn add(store: &dyn Store, portfolio: Portfolio) -> Result<bool, HoldingsError> {
    change(store, portfolio.id.investor, |portfolios| {
        let absent = !portfolios.contains_key(&portfolio.id.portfolio);
        if absent {
            portfolios.insert(portfolio.id.portfolio, portfolio.clone());
        }
        absent
    })
    .await
    .map(|(changed, _)| changed)
}

/// Takes a portfolio away; says whether it was there.
pub async fn delete(store: &dyn Store, id: PortfolioId) -> Result<bool, HoldingsError> {
    change(store, id.investor, |portfolios| {
        portfolios.remove(&id.portfolio).is_some()
    })
    .await
    .map(|(changed, _)| changed)
}

/// Applies `edit` to the last version; makes a new one where it says that it changed something.
async fn change(
    store: &dyn Store,
    investor: u32,
    mut edit: impl FnMut(&mut BTreeMap<u32, Portfolio>) -> bool,
) -> Result<(bool, InvestorHoldings), HoldingsError> {
    for _ in 0..ATTEMPTS {
        let current = last(store, investor).await?;
        let mut portfolios: BTreeMap<u32, Portfolio> = current
            .portfolios
            .iter()
            .map(|each| (each.id.portfolio, each.clone()))
            .collect();
        if !edit(&mut portfolios) {
            return Ok((false, current));
        }
        let next = InvestorHoldings {
            portfolios: portfolios.into_values().collect(),
            ..current
        }
        .next();
        if create(store, &next).await? == Created::New {
            return Ok((true, next));
        }
    }
    Err(HoldingsError::Contended { investor })
}

async fn last(store: &dyn Store, investor: u32) -> Result<InvestorHoldings, HoldingsError> {
    match store.list(&folder(investor), None).await?.last() {
        Some(path) => read(store, investor, parse(path)?.1).await,
        None => Ok(none_yet(investor)),
    }
}

fn none_yet(investor: u32) -> InvestorHoldings {
    let name = format!("Investor {investor}");
    InvestorHoldings {
        investor,
        version: 0,
        name,
        portfolios: Vec::new(),
    }
}

impl InvestorHoldings {
    fn next(self) -> Self {
        Self {
            version: self.version + 1,
            ..self
        }
    }
}

async fn create(store: &dyn Store, holdings: &InvestorHoldings) -> Result<Created, HoldingsError> {
    let &InvestorHoldings {
        investor, version, ..
    } = holdings;
    let stored = Stored {
        investor,
        version,
        name: holdings.name.clone(),
        portfolios: holdings
            .portfolios
            .iter()
            .map(|each| {
                let holdings = each.holdings.clone();
                (
                    each.id.portfolio,
                    StoredPortfolio {
                        holdings,
                        active: each.active,
                    },
                )
            })
            .collect(),
    };
    let body = serde_json::to_vec_pretty(&stored)
        .map_err(|source| HoldingsError::Encode { investor, source })?;
    Ok(store
        .create(&path(investor, version)?, Bytes::from(body))
        .await?)
}

fn folder(investor: u32) -> String {
    format!("{FOLDER}/investor-{investor}")
}

fn path(investor: u32, version: u64) -> Result<ObjectPath, PathError> {
    ObjectPath::new(format!("{}/{version:010}.json", folder(investor)))
}

fn parse(path: &ObjectPath) -> Result<(u32, u64), HoldingsError> {
    let numbers = || {
        let rest = path
            .as_str()
            .strip_prefix(FOLDER)?
            .strip_prefix("/investor-")?;
        let (investor, version) = rest.strip_suffix(".json")?.split_once('/')?;
        Some((investor.parse().ok()?, version.parse().ok()?))
    };
    numbers().ok_or_else(|| HoldingsError::Foreign { path: path.clone() })
}
