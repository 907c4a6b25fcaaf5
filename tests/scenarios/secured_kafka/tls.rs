//! SCRAM and certificates.

use tests::tools;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn scram_and_certificates() {
    let Some(jars) = jars() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.p12");
    let authority = folder.path().join("ca.pem");
    keytool(
        &store,
        "-genkeypair -alias kafka -keyalg EC -dname CN=kafka -ext SAN=IP:127.0.0.1",
    );
    let file = authority.display();
    keytool(
        &store,
        &format!("-exportcert -alias kafka -rfc -file {file}"),
    );
    let broker = GuardedKafka::start(&jars, Some(&store)).await;

    let mut by_scram = settings(&broker.sasl_plaintext, ALICE);
    by_scram[2].1 = "SCRAM-SHA-256";
    everything_flows(&Stack::start(&by_scram).await).await;

    let mut by_tls = settings(&broker.sasl_ssl, ALICE);
    by_tls[1].1 = "SASL_SSL";
    by_tls[2].1 = "SCRAM-SHA-256";
    let data = tempfile::tempdir().unwrap();
    let unknown = refused(up(data.path(), &by_tls));
    assert!(
        unknown.contains("certificate"),
        "nobody vouches for it: {unknown}"
    );
    by_tls.push(("KAFKA_CA_FILE", authority.to_str().unwrap()));
    let stack = Stack::start(&by_tls).await;
    let rows = "SELECT COUNT(*) AS n FROM stock_call";
    stack.sql_until(rows, |rows| rows[0]["n"] == 40).await;
    assert_eq!(
        stack.count("SELECT COUNT(*) FROM ticks").await,
        80,
        "the topics of the first stack"
    );
}

fn keytool(store: &Path, arguments: &str) {
    let store = store.to_str().unwrap();
    let mut all: Vec<&str> = arguments.split(' ').collect();
    all.extend([
        "-keystore",
        store,
        "-storepass",
        "store-word",
        "-storetype",
        "PKCS12",
    ]);
    tools::printed(&tools::run("keytool", &all).expect("keytool comes with Java"));
}
