//! The SQL editor: a query, an error at its position, the formats.
