//! Lambda's own API on `LAMBDA_PORT`, for `cargo lambda invoke` and the AWS CLI.
