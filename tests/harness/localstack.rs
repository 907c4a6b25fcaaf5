//! LocalStack, as `make tools` installs it.

use std::io::Write;
use std::path::PathBuf;

use crate::stack::binaries;

/// The folder of LocalStack's installation, for `LOCALSTACK_HOME`; `None`, said loudly, where there is none.
pub fn home() -> Option<String> {
    let home = std::env::var_os("LOCALSTACK_HOME").map(PathBuf::from);
    let home = home.unwrap_or_else(|| binaries().parent().unwrap().join("tools/localstack"));
    if home.join("installed").exists() {
        return Some(home.to_str().unwrap().to_owned());
    }
    // Past the test runner, which keeps to itself what a test prints that does not fail.
    let note = "skipped: a lake on LocalStack, which is not installed (make tools)";
    let mut terminal = std::io::stderr();
    writeln!(terminal, "{note}").unwrap();
    None
}
