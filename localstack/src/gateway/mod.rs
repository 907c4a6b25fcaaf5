//! The HTTP APIs of template.yaml, served as API Gateway's HTTP APIs are.
