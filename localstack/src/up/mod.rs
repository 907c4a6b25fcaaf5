//! `tidemill up`: the whole system, started in order and stopped in order.
