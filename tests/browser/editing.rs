//! Holdings, edited through the form as an investor does.
