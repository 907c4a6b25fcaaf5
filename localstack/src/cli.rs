//! The command line of `tidemill`.
