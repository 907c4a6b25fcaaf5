//! Each topic, table, view and route that users are promised is declared.

use std::collections::BTreeSet;

use lake::{Kind, Table};
use tidemill::template::{Node, Route};
use wire::topics;

use crate::documents::{at, document, items, resources, template, text_at};

/// Who publishes what, with the partitions of the contract. `flow` sees that it is so.
pub(crate) const TOPICS: [(&str, &str, &str); 7] = [
    (topics::DEFAULT_CALL, "stocks", "3"),
    (topics::STOCK_CALL, "stocks", "3"),
    (topics::STOCK_OPERATION, "stocks", "3"),
    (topics::EVENTS, "games", "3"),
    (topics::GAME_EVENTS, "games", "3"),
    (topics::STOCK_EXCHANGE, "exchange", "1"),
    (topics::PORTFOLIOS, "evaluate", "3"),
];

#[test]
fn every_topic_is_made_and_every_table_has_its_trigger() {
    let document = document("infra/topics.yaml");
    let made: Vec<_> = items(at(&document, "Resources.Topics.Properties.Topics").unwrap())
        .iter()
        .map(|topic| (text_at(topic, "Name"), text_at(topic, "Partitions")))
        .collect();
    let promised: Vec<_> = TOPICS
        .map(|(name, _, partitions)| (name.to_owned(), partitions.to_owned()))
        .into();
    assert_eq!(made, promised);

    let template = template(&[]);
    let readers = |function: &str| -> BTreeSet<String> {
        let spec = template
            .functions
            .iter()
            .find(|it| it.name == function)
            .unwrap();
        spec.triggers
            .iter()
            .flat_map(|it| it.topics.clone())
            .collect()
    };
    let of_tables = Table::all().into_iter().filter_map(Table::topic);
    assert_eq!(readers("archive"), of_tables.map(str::to_owned).collect());
    assert_eq!(
        readers("evaluate"),
        BTreeSet::from([topics::STOCK_EXCHANGE.to_owned()])
    );
}

/// The type of a column as Glue calls it.
fn glue(kind: Kind) -> String {
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Int32 => "int".to_owned(),
        Kind::Int64 => "bigint".to_owned(),
        Kind::Float64 => "double".to_owned(),
        Kind::Decimal(precision) => format!("decimal({precision},2)"),
        Kind::Micros | Kind::Millis => "timestamp".to_owned(),
        Kind::Bytes => "binary".to_owned(),
    }
}

fn columns(table: &Node) -> Vec<(String, String)> {
    let columns = at(table, "Properties.TableInput.StorageDescriptor.Columns").unwrap();
    let named = items(columns).iter();
    named
        .map(|column| (text_at(column, "Name"), text_at(column, "Type")))
        .collect()
}

#[test]
fn glue_has_every_table_with_its_columns() {
    let document = document("infra/tables.yaml");
    let found: Vec<_> = resources(&document)
        .into_iter()
        .filter(|(_, kind, it)| {
            *kind == "AWS::Glue::Table"
                && text_at(it, "Properties.TableInput.TableType") == "EXTERNAL_TABLE"
        })
        .map(|(_, _, table)| {
            let input = "Properties.TableInput.StorageDescriptor.Location";
            let location = at(table, input).unwrap().to_string();
            (
                text_at(table, "Properties.TableInput.Name"),
                location,
                columns(table),
            )
        })
        .collect();
    let expected: Vec<_> = Table::all()
        .into_iter()
        .map(|table| {
            // Glue folds names to lower case; so does who reads Parquet by them.
            let columns = table
                .columns()
                .map(|it| (it.name.to_lowercase(), glue(it.kind)));
            (
                table.name().to_owned(),
                format!("!Sub s3://${{LakeBucket}}/{table}/"),
                columns.collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

/// What Athena calls the types of Glue.
fn presto(glue: &str) -> &str {
    match glue {
        "string" => "varchar",
        "int" => "integer",
        "timestamp" => "timestamp(3)",
        other => other,
    }
}

/// A view as Athena has it: its name, its columns, and what follows FROM.
pub(crate) fn views() -> Vec<(String, Vec<String>, String)> {
    let document = document("infra/tables.yaml");
    let views = resources(&document).into_iter().filter(is_view);
    let read = views.map(|(_, _, view)| {
        let name = text_at(view, "Properties.TableInput.Name");
        let columns = columns(view).into_iter().map(|(name, _)| name).collect();
        let sql = stored(view)["originalSql"].as_str().unwrap().to_owned();
        (
            name,
            columns,
            sql.split_once(" FROM ").unwrap().1.to_owned(),
        )
    });
    read.collect()
}

fn is_view((_, kind, table): &(&str, &str, &Node)) -> bool {
    *kind == "AWS::Glue::Table"
        && text_at(table, "Properties.TableInput.TableType") == "VIRTUAL_VIEW"
}

/// What Athena keeps of a view.
fn stored(view: &Node) -> serde_json::Value {
    let Some(Node::Call(_, join)) = at(view, "Properties.TableInput.ViewOriginalText") else {
        panic!("{view}");
    };
    let Node::Call(_, text) = &items(&items(join)[1])[1] else {
        panic!("{join}");
    };
    serde_json::from_str(text.text().unwrap()).unwrap()
}

#[test]
fn views_show_what_they_select() {
    let document = document("infra/tables.yaml");
    let views = resources(&document).into_iter().filter(is_view);
    let mut names = BTreeSet::new();
    for (_, _, view) in views {
        let name = text_at(view, "Properties.TableInput.Name");
        let said = stored(view);
        let columns = columns(view);
        let typed = said["columns"].as_array().unwrap().iter();
        let typed: Vec<_> = typed
            .map(|it| {
                (
                    it["name"].as_str().unwrap().to_owned(),
                    it["type"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        let expected: Vec<_> = columns
            .iter()
            .map(|(name, kind)| (name.clone(), presto(kind).to_owned()))
            .collect();
        assert_eq!(typed, expected, "{name}");
        let sql = said["originalSql"].as_str().unwrap();
        let (_, list) = sql.split_once("SELECT ").unwrap();
        let (list, rest) = list.split_once(" FROM ").unwrap();
        let selected: Vec<_> = list
            .split(", ")
            .map(|it| {
                it.rsplit(" AS ")
                    .next()
                    .unwrap()
                    .trim_matches('"')
                    .to_owned()
            })
            .collect();
        assert_eq!(
            selected,
            columns
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>(),
            "{name}"
        );
        let table: Table = rest.split(' ').next().unwrap().parse().unwrap();
        let known: BTreeSet<_> = table.columns().map(|it| it.name.to_lowercase()).collect();
        assert!(
            selected[1..].iter().all(|it| known.contains(it)),
            "{name}: {selected:?}"
        );
        names.insert(name);
    }
    let promised = [
        "purchases",
        "join_guild",
        "purchase_events",
        "character_events",
        "character_stats",
        "guild_events",
    ];
    assert_eq!(names, promised.map(str::to_owned).into());
}

#[test]
fn every_path_of_the_openapi_documents_is_a_route() {
    let template = template(&[]);
    for (api, path) in [
        ("StocksApi", "functions/stocks/openapi.json"),
        ("GamesApi", "functions/games/openapi.json"),
        ("LakeApi", "functions/query/src/openapi.json"),
    ] {
        let routes: Vec<_> = template
            .functions
            .iter()
            .flat_map(|it| &it.routes)
            .filter(|it| it.api == api)
            .collect();
        let (rest, named): (Vec<_>, Vec<_>) =
            routes.into_iter().partition(|it| it.path == "$default");
        assert_eq!(
            rest.len(),
            1,
            "{api}: what there is no route for gets our problem+json"
        );
        let document: serde_json::Value =
            serde_json::from_str(&crate::documents::text(path)).unwrap();
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if !["parameters", "summary", "description"].contains(&method.as_str()) {
                    operations.push((path, method.to_uppercase(), operation));
                }
            }
        }
        let serves = |route: &Route, (path, method, _): &(&String, String, &serde_json::Value)| {
            (route.method == "ANY" || route.method == *method) && covers(&route.path, path)
        };
        for operation in &operations {
            let named = named.iter().any(|route| serves(route, operation));
            // Pages and their forms come by `$default`: they are many, and all are one function's.
            let page = api == "LakeApi" && is_page(operation.0);
            assert!(named != page, "{api}: {} {}", operation.1, operation.0);
        }
        for route in named {
            assert!(
                operations.iter().any(|operation| serves(route, operation)),
                "{api}: nothing is behind {} {}",
                route.method,
                route.path
            );
        }
    }
}

/// Whether a path of the Lake API is for a browser.
fn is_page(path: &str) -> bool {
    const PAGES: [&str; 8] = [
        "prices",
        "portfolios",
        "behaviour",
        "cost",
        "sql",
        "assets",
        "questions",
        "reports",
    ];
    PAGES.contains(&path.split('/').nth(1).unwrap())
}

/// A slash at the end says nothing.
fn segments(path: &str) -> std::str::Split<'_, char> {
    path.trim_end_matches('/').split('/')
}

fn covers(route: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (segments(route), segments(path));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(rest), Some(_)) if rest.ends_with("+}") => return true,
            (Some(wanted), Some(given)) if wanted == given || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}
