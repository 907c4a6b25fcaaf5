//! Names of the topics.

/// Calls of the Stocks API's help, keyed by nothing but that: `default`.
pub const DEFAULT_CALL: &str = "default_call";
/// Checks of a stock, keyed by ticker.
pub const STOCK_CALL: &str = "stock_call";
/// Purchases and sales, keyed by ticker.
pub const STOCK_OPERATION: &str = "stock_operation";
/// Ticks of both exchanges, keyed by ticker, in one partition, so that their order is the log's.
pub const STOCK_EXCHANGE: &str = "StockExchange";
/// Evaluations, keyed by portfolio id.
pub const PORTFOLIOS: &str = "portfolios";
/// Events of the small game, keyed by Host.
pub const EVENTS: &str = "events";
/// Events of the large game, keyed by userid.
pub const GAME_EVENTS: &str = "game_events";

/// All topics.
pub const ALL: [&str; 7] = [
    DEFAULT_CALL,
    STOCK_CALL,
    STOCK_OPERATION,
    STOCK_EXCHANGE,
    PORTFOLIOS,
    EVENTS,
    GAME_EVENTS,
];
