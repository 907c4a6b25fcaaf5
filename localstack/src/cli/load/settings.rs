//! The arguments of `tidemill load`.

use clap::{Args, Subcommand, value_parser};

use super::{super::running::Running, plan::games};

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(in super::super) struct Settings {
    #[command(subcommand)]
    pub(super) generator: Generator,
}

#[derive(Debug, Subcommand)]
pub(super) enum Generator {
    /// Customers of the Stocks API check, buy and sell: random tickers, 1-50 shares, bursts of 1-10 equal requests
    Stocks {
        /// How many bursts
        #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..))]
        runs: u32,
        #[command(flatten)]
        sending: Sending,
    },
    /// Players of the small game purchase items or join a guild, half and half
    ///
    /// Each run is one player's burst of equal requests: 2 half of the time, seldom many, at most 100, some of them
    /// at once. The Host is user{1-99}.{comcast|att|google|frontier|cox|earthlink}.com.
    Purchases {
        /// How many runs
        #[arg(value_name = "N", value_parser = value_parser!(u32).range(1..))]
        runs: u32,
        #[command(flatten)]
        sending: Sending,
    },
    /// Players of the large game: nine events with a userid and a number
    ///
    /// Endpoints: 1 sword, 2 shield, 3 potion, 4 treasure, 5 attack, 6 defeat, 7 take_potion, 8 level_up, 9 guild.
    /// At most 10 swords, 5 shields and 100 potions are bought and 3 potions taken with a call. The Host is
    /// user-00{ID}.comcast.com, the userid ID.
    #[command(
        override_usage = "tidemill load games -u USERS -e ENDPOINTS -n REQUESTS [-b] [OPTIONS]"
    )]
    Games(Games),
}

#[derive(Debug, Args)]
pub(super) struct Games {
    #[command(flatten)]
    pub(super) wish: Wish,
    #[command(flatten)]
    pub(super) sending: Sending,
}

/// Optional for clap, so that a missing one ends as it did before: with the help, and 1.
#[derive(Debug, Args)]
pub(super) struct Wish {
    /// How many players [required]
    #[arg(short, long, value_parser = value_parser!(u32).range(1..))]
    users: Option<u32>,
    /// How many of the nine endpoints: the first E [required]
    #[arg(short, long, value_parser = value_parser!(u8).range(1..=games::ENDPOINTS as i64))]
    endpoints: Option<u8>,
    /// How many requests, exactly [required]
    #[arg(short = 'n', long, value_parser = value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// In batches: the same request of the same player comes 1-10 times, one after another; without it each request
    /// is drawn for itself. The number of requests stays exact
    #[arg(short, long)]
    batch: bool,
}

impl Wish {
    /// The wish with all that it needs, or what is missing.
    pub(super) fn complete(self) -> Result<games::Wish, Vec<&'static str>> {
        let missing: Vec<_> = [
            ("-u USERS", self.users.is_none()),
            ("-e ENDPOINTS", self.endpoints.is_none()),
            ("-n REQUESTS", self.requests.is_none()),
        ]
        .into_iter()
        .filter_map(|(argument, is_missing)| is_missing.then_some(argument))
        .collect();
        match (self.users, self.endpoints, self.requests) {
            (Some(users), Some(endpoints), Some(requests)) => Ok(games::Wish {
                users,
                endpoints: usize::from(endpoints),
                requests,
                batch: self.batch,
            }),
            _ => Err(missing),
        }
    }
}

/// What all generators have.
#[derive(Debug, Args)]
pub(super) struct Sending {
    /// The same seed sends the same requests [default: a random one, printed at the end]
    #[arg(long)]
    seed: Option<u64>,
    /// How many connections, each with one request on its way
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u16).range(1..))]
    pub(super) concurrency: u16,
    #[command(flatten)]
    pub(super) running: Running,
}

impl Sending {
    /// The seed given, or one of chance.
    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(rand::random)
    }
}
