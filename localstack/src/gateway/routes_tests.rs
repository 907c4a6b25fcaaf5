//! Examples of API Gateway's documentation, and properties of any table.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

fn table(routes: &[(&str, &str)]) -> RouteTable {
    let mut table = RouteTable::default();
    for (method, path) in routes {
        table.add(method, path, "f");
    }
    table
}

fn key(table: &RouteTable, method: &str, path: &str) -> Option<String> {
    table
        .find(&method.parse().unwrap(), path)
        .map(|matched| matched.key)
}

#[test]
fn the_most_specific_route_wins_whatever_the_order_of_declaration() {
    let routes = [
        ("ANY", "$default"),
        ("ANY", "/{proxy+}"),
        ("GET", "/pets/{proxy+}"),
        ("GET", "/pets/dog/{id}"),
        ("GET", "/pets/dog/1"),
    ];
    for rotation in 0..routes.len() {
        let mut routes = routes;
        routes.rotate_left(rotation);
        let table = table(&routes);
        assert_eq!(
            key(&table, "GET", "/pets/dog/1").unwrap(),
            "GET /pets/dog/1"
        );
        assert_eq!(
            key(&table, "GET", "/pets/dog/2").unwrap(),
            "GET /pets/dog/{id}"
        );
        assert_eq!(
            key(&table, "GET", "/pets/cat/1").unwrap(),
            "GET /pets/{proxy+}"
        );
        assert_eq!(key(&table, "POST", "/test/5").unwrap(), "ANY /{proxy+}");
        assert_eq!(key(&table, "GET", "/").unwrap(), "$default");
    }
}

#[test]
fn a_named_method_wins_over_any_and_a_wrong_method_falls_through() {
    let table = table(&[
        ("ANY", "/a"),
        ("GET", "/a"),
        ("POST", "/b"),
        ("ANY", "$default"),
    ]);
    assert_eq!(key(&table, "GET", "/a").unwrap(), "GET /a");
    assert_eq!(key(&table, "PUT", "/a").unwrap(), "ANY /a");
    assert_eq!(key(&table, "DELETE", "/b").unwrap(), "$default");
}

#[test]
fn without_a_default_route_nothing_may_match() {
    let table = table(&[("GET", "/"), ("GET", "/{stock}")]);
    assert_eq!(key(&table, "GET", "/").unwrap(), "GET /");
    assert_eq!(key(&table, "GET", "/a/b"), None);
    assert_eq!(key(&table, "POST", "/a"), None);
    assert_eq!(key(&RouteTable::default(), "GET", "/"), None);
}

#[test]
fn parameters_are_decoded_and_greedy_ones_keep_their_slashes() {
    let table = table(&[("GET", "/{stock}/{metric}"), ("GET", "/api/{proxy+}")]);
    let matched = table.find(&Method::GET, "/G%20O/mean%2Fprice").unwrap();
    assert_eq!(matched.parameters["stock"], "G O");
    assert_eq!(matched.parameters["metric"], "mean/price");
    let matched = table
        .find(&Method::GET, "/api/portfolios/1.2/evaluations")
        .unwrap();
    assert_eq!(matched.parameters["proxy"], "portfolios/1.2/evaluations");
}

proptest! {
    /// Declaring routes in another order never changes what a request reaches.
    #[test]
    fn the_order_of_declaration_does_not_matter(
        paths in proptest::collection::btree_set("(/(a|b|\\{x\\})){1,3}(/\\{rest\\+\\})?", 1..6),
        sent in "(/(a|b|c)?){1,4}",
        seed in any::<usize>(),
    ) {
        let mut routes: Vec<(&str, &str)> = paths.iter().map(|path| ("GET", path.as_str())).collect();
        let before = key(&table(&routes), "GET", &sent);
        let middle = seed % routes.len();
        routes.rotate_left(middle);
        routes.reverse();
        prop_assert_eq!(key(&table(&routes), "GET", &sent), before);
    }

    /// No path, however odd, makes matching fail, and `$default` takes what is left.
    #[test]
    fn default_takes_every_path(sent in "/[ -~]{0,40}") {
        let table = table(&[("GET", "/a/{b}"), ("ANY", "$default")]);
        prop_assert!(table.find(&Method::PATCH, &sent).is_some());
    }
}
