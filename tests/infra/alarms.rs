//! Alarms and the dashboard against what is emitted: names of metrics, their dimensions, and the document that says what
//! to do.

use std::collections::{BTreeMap, BTreeSet};

use tests::metrics::Scrape;
use tidemill::template::Node;

use crate::declared::TOPICS;
use crate::documents::{at, document, items, resources, text, text_at};

/// A metric of ours that somebody watches: its dimensions with their values, where those are named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Watched {
    name: String,
    dimensions: BTreeMap<String, Option<String>>,
}

impl Watched {
    fn of<'t>(name: &str, dimensions: impl Iterator<Item = &'t str>) -> Self {
        Self {
            name: name.to_owned(),
            dimensions: dimensions.map(|it| (it.to_owned(), None)).collect(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the system told such a one: a histogram has a count beside its buckets.
    pub(crate) fn was_told(&self, scrape: &Scrape) -> bool {
        let names = [self.name.clone(), format!("{}_count", self.name)];
        let series = names.iter().filter_map(|name| scrape.samples.get(name));
        let fits = |labels: &BTreeMap<String, String>| {
            labels.keys().eq(self.dimensions.keys())
                && self
                    .dimensions
                    .iter()
                    .all(|(name, value)| value.as_ref().is_none_or(|value| labels[name] == *value))
        };
        series.flatten().any(|(labels, _)| fits(labels))
    }
}

fn dimensions(metric: &Node) -> BTreeMap<String, Option<String>> {
    let dimensions = at(metric, "Dimensions")
        .map(items)
        .unwrap_or_default()
        .iter();
    dimensions
        .map(|it| {
            (
                text_at(it, "Name"),
                it.get("Value").and_then(Node::text).map(str::to_owned),
            )
        })
        .collect()
}

/// What a query of Metrics Insights reads: `SELECT SUM(name) FROM SCHEMA("Tidemill", "function", …)`.
fn of_query(query: &str) -> Watched {
    let (_, rest) = query.split_once('(').unwrap();
    let (name, rest) = rest.split_once(") FROM SCHEMA(").unwrap();
    let mut schema = rest
        .trim_end_matches(')')
        .split(", ")
        .map(|it| it.trim_matches('"'));
    assert_eq!(schema.next(), Some("Tidemill"), "{query}");
    Watched::of(name, schema)
}

/// What a widget looks for: `SEARCH('{Tidemill,function,…} MetricName="name"', …)`.
fn of_search(search: &str) -> Watched {
    let (_, rest) = search.split_once("SEARCH('{").unwrap();
    let (schema, rest) = rest.split_once("} MetricName=\"").unwrap();
    let mut schema = schema.split(',');
    assert_eq!(schema.next(), Some("Tidemill"), "{search}");
    Watched::of(rest.split_once('"').unwrap().0, schema)
}

/// The alarms of a document, by their logical ids.
pub(crate) fn alarms(document: &Node) -> Vec<(&str, &Node)> {
    let all = resources(document).into_iter();
    all.filter(|(_, kind, _)| *kind == "AWS::CloudWatch::Alarm")
        .map(|(id, _, alarm)| (id, alarm))
        .collect()
}

/// The queries of an alarm: a metric's each, or an expression's.
fn queries(alarm: &Node) -> &[Node] {
    items(at(alarm, "Properties.Metrics").unwrap())
}

/// Every metric of ours that an alarm or the dashboard looks at.
pub(crate) fn watched() -> BTreeSet<Watched> {
    let document = document("infra/watch.yaml");
    let mut found = BTreeSet::new();
    for (_, alarm) in alarms(&document) {
        for query in queries(alarm) {
            if let Some(expression) = at(query, "Expression").and_then(Node::text) {
                if expression.starts_with("SELECT") {
                    found.insert(of_query(expression));
                }
                continue;
            }
            let metric = at(query, "MetricStat.Metric").unwrap();
            if text_at(metric, "Namespace") == "Tidemill" {
                found.insert(Watched {
                    name: text_at(metric, "MetricName"),
                    dimensions: dimensions(metric),
                });
            }
        }
    }
    for widget in dashboard(&document)["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            if let Some(search) = metric[0]["expression"].as_str() {
                found.insert(of_search(search));
            } else if metric[0] == "Tidemill" {
                let texts: Vec<_> = metric
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(|it| it.as_str())
                    .collect();
                let pairs = texts[2..]
                    .chunks(2)
                    .map(|it| (it[0].to_owned(), Some(it[1].to_owned())));
                found.insert(Watched {
                    name: texts[1].to_owned(),
                    dimensions: pairs.collect(),
                });
            }
        }
    }
    found
}

/// The dashboard's body.
pub(crate) fn dashboard(document: &Node) -> serde_json::Value {
    let Some(Node::Call(_, body)) = at(document, "Resources.Board.Properties.DashboardBody") else {
        panic!("no dashboard");
    };
    serde_json::from_str(items(body)[0].text().unwrap()).unwrap()
}

/// Names and dimensions, as docs/metrics.md has them; every function's name is one beside those.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = text("docs/metrics.md");
    let (_, text) = text.split_once("## Written by functions").unwrap();
    let rows = text.split("\n## ").next().unwrap().lines();
    let rows = rows.filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let dimensions = cells[3].split(", ").filter(|it| !it.is_empty());
        let dimensions = dimensions.map(str::to_owned);
        let name = cells[1].trim_matches('`').to_owned();
        (name, dimensions.chain(["function".to_owned()]).collect())
    });
    rows.collect()
}

#[test]
fn what_is_watched_has_the_dimensions_that_are_documented() {
    let documented = documented();
    let watched = watched();
    assert!(watched.len() > 25, "{}", watched.len());
    for it in watched {
        let names: BTreeSet<String> = it.dimensions.keys().cloned().collect();
        assert_eq!(documented.get(&it.name), Some(&names), "{}", it.name);
    }
}

#[test]
fn metrics_of_aws_have_the_dimensions_that_it_gives_them() {
    let document = document("infra/watch.yaml");
    let mut count = 0;
    for (id, alarm) in alarms(&document) {
        for query in queries(alarm) {
            let Some(metric) = at(query, "MetricStat.Metric") else {
                continue;
            };
            let wanted: &[&str] = match (
                text_at(metric, "Namespace").as_str(),
                text_at(metric, "MetricName").as_str(),
            ) {
                ("Tidemill", _) => continue,
                ("AWS/Lambda", "Errors" | "Throttles" | "OffsetLag") => &["FunctionName"],
                // Of HTTP APIs; REST APIs call it 5XXError.
                ("AWS/ApiGateway", "5xx") => &["ApiId"],
                // Of brokers with disks; MSK Serverless has no such metric.
                ("AWS/Kafka", "KafkaDataLogsDiskUsed") => &["Broker ID", "Cluster Name"],
                other => panic!("{id}: {other:?}"),
            };
            let found = dimensions(metric);
            assert!(found.keys().eq(wanted), "{id}: {found:?}");
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
}

#[test]
fn every_alarm_is_explained() {
    let operations = text("docs/operations.md");
    let document = document("infra/watch.yaml");
    let alarms = alarms(&document);
    assert!(alarms.len() > 20);
    for (id, _) in alarms {
        let row = operations
            .lines()
            .find(|line| line.starts_with("| `") && line.contains(&format!("`{id}`")));
        assert!(
            row.is_some(),
            "docs/operations.md does not say what to do about {id}"
        );
    }
}

/// The alarm of full disks looks at each broker of a cluster that is made with disks, and is there for no other.
#[test]
fn every_disk_is_watched() {
    let watch = document("infra/watch.yaml");
    let alarm = at(&watch, "Resources.Disks").unwrap();
    let metrics = queries(alarm)
        .iter()
        .filter_map(|it| at(it, "MetricStat.Metric"));
    let brokers: Vec<_> = metrics
        .map(|metric| dimensions(metric)["Broker ID"].clone().unwrap())
        .collect();
    let cluster = document("infra/cluster.yaml");
    let cluster = at(&cluster, "Resources.ProvisionedCluster.Properties").unwrap();
    assert_eq!(text_at(cluster, "NumberOfBrokerNodes"), "3");
    assert_eq!(brokers, ["1", "2", "3"]);
    let template = document("template.yaml");
    let told = at(&template, "Resources.Watch.Properties.Parameters").unwrap();
    assert_eq!(
        at(told, "ClusterWithDisks").unwrap().to_string(),
        "!If [NewDisks, !Select [1, !Split [/, !GetAtt Cluster.Outputs.ClusterArn]], ]"
    );
}

/// A batch that never gets in is heard although Lambda waits longer and longer between its tries.
#[test]
fn failures_that_repeat_are_heard_with_pauses_between_them() {
    let document = document("infra/watch.yaml");
    for function in ["Archive", "Evaluate"] {
        let alarm = at(&document, &format!("Resources.{function}Retries")).unwrap();
        for query in queries(alarm) {
            if let Some(stat) = at(query, "MetricStat") {
                assert_eq!(text_at(stat, "Period"), "300", "{function}");
            }
        }
        assert_eq!(
            text_at(alarm, "Properties.EvaluationPeriods"),
            "3",
            "{function}"
        );
    }
}

/// How many series a metric of topics or of tables has.
fn series_of(metric: &Watched) -> usize {
    let by_archive = TOPICS.iter().filter(|(_, who, _)| *who != "evaluate");
    if metric.dimensions.contains_key("topic") {
        TOPICS.len()
    } else if metric.name.starts_with("archive_") {
        by_archive.count()
    } else {
        // `evaluations` is beside those.
        by_archive.count() + 1
    }
}

/// What alarms cost counts the metrics that they look at, and the network's its endpoints.
#[test]
fn the_bill_has_as_many_alarms_and_endpoints_as_the_stacks() {
    let bill = text("functions/query/src/cost/model.rs");
    let constant = |name: &str| -> f64 {
        let (_, rest) = bill.split_once(&format!("const {name}: f64 = ")).unwrap();
        let factors = rest.split(';').next().unwrap().split(" * ");
        factors.map(|it| it.parse::<f64>().unwrap()).product()
    };
    let watch = document("infra/watch.yaml");
    // One that only some deployments have is theirs to add.
    let always = alarms(&watch)
        .into_iter()
        .filter(|(_, alarm)| alarm.get("Condition").is_none());
    let always: Vec<_> = always.collect();
    let count = always.len();
    let queries: Vec<_> = always
        .iter()
        .flat_map(|(_, alarm)| queries(alarm))
        .collect();
    let named = queries.iter().filter(|it| at(it, "MetricStat").is_some());
    assert_eq!(named.count() as f64, constant("ALARMS"));
    let expressions = queries.iter().filter_map(|it| at(it, "Expression"));
    let searches = expressions
        .filter_map(Node::text)
        .filter(|it| it.starts_with("SELECT"));
    let series = searches.map(|it| series_of(&of_query(it)));
    assert_eq!(series.sum::<usize>() as f64, constant("SEARCHED_SERIES"));
    let (metrics, series) = (constant("ALARMS"), constant("SEARCHED_SERIES"));
    let told = format!("{count} alarms on {metrics} metrics and {series} series that are searched");
    assert!(text("infra/README.md").contains(&told), "{told}");
    let network = document("infra/network.yaml");
    let zones = resources(&network).into_iter().filter_map(|(_, kind, it)| {
        let subnets = at(it, "Properties.SubnetIds")?;
        (kind == "AWS::EC2::VPCEndpoint").then(|| items(subnets).len())
    });
    assert_eq!(zones.sum::<usize>() as f64, constant("ENDPOINTS"));
}
