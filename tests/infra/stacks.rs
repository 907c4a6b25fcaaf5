//! The stacks that LocalStack knows, created by its CloudFormation; and what the roles that it makes of them allow.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use lake::Table;
use serde_json::Value;
use tests::stack::workspace;
use tidemill::template::Node;

use crate::cloud::Cloud;
use crate::declared::TOPICS;
use crate::documents::{at, document, functions, items, text_at};

const CLUSTER: &str = "arn:aws:kafka:us-east-1:000000000000:cluster/tidemill/0-1";
const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/1";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:AmazonMSK_tidemill";

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_closed_and_stays() {
    let Some(cloud) = Cloud::start().await else {
        return;
    };
    let lake = cloud.stack("lake", &[]).await;
    let bucket = lake["Bucket"].as_str().unwrap();
    let ask = |what: &str| cloud.aws(&["s3api", what, "--bucket", bucket]);
    let rules = &ask("get-bucket-encryption")["ServerSideEncryptionConfiguration"]["Rules"];
    assert_eq!(
        rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"],
        "AES256"
    );
    let closed = ask("get-public-access-block")["PublicAccessBlockConfiguration"].clone();
    let closed = closed.as_object().unwrap();
    assert!(
        closed.len() == 4 && closed.values().all(|it| it == true),
        "{closed:?}"
    );
    let policy = ask("get-bucket-policy")["Policy"]
        .as_str()
        .unwrap()
        .to_owned();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let denied = &policy["Statement"][0];
    assert_eq!(
        (
            &denied["Effect"],
            &denied["Principal"],
            &denied["Condition"]["Bool"]["aws:SecureTransport"]
        ),
        (
            &Value::from("Deny"),
            &Value::from("*"),
            &Value::from("false")
        )
    );
    assert_eq!(ask("get-bucket-versioning")["Status"], Value::Null);
    // (LocalStack does not make the lifecycle of it.)
    let document = document("infra/lake.yaml");
    let rules = at(
        &document,
        "Resources.Bucket.Properties.LifecycleConfiguration.Rules",
    )
    .unwrap();
    for rule in items(rules) {
        let expires = rule
            .entries()
            .iter()
            .any(|(name, _)| name.contains("Expir"));
        let results = at(rule, "Prefix").and_then(Node::text) == Some("athena/");
        assert_eq!(expires, results, "what expires could be a head: {rule}");
    }

    // It stays, and still asks for TLS. (LocalStack deletes what CloudFormation would retain.)
    for resource in ["Bucket", "OnlyTls"] {
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            let kept = text_at(&document, &format!("Resources.{resource}.{policy}"));
            assert_eq!(kept, "Retain", "{resource}: {policy}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_without_a_way_out() {
    let Some(cloud) = Cloud::start().await else {
        return;
    };
    let services = |cloud: &Cloud| -> BTreeSet<String> {
        let told = cloud.aws(&["ec2", "describe-vpc-endpoints"]);
        let endpoints = told["VpcEndpoints"].as_array().unwrap().iter();
        endpoints
            .map(|it| {
                it["ServiceName"]
                    .as_str()
                    .unwrap()
                    .rsplit('.')
                    .next()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    let network = |pollers| [("LakeBucket", "lake"), ("Pollers", pollers)];
    let made = cloud.stack("network", &network("provisioned")).await;
    assert_eq!(services(&cloud), ["s3"].map(str::to_owned).into());
    assert_eq!(made["Subnets"].as_str().unwrap().split(',').count(), 3);
    let tables = cloud.aws(&[
        "ec2",
        "describe-route-tables",
        "--filters",
        "Name=tag:Name,Values=tidemill",
    ]);
    for route in tables["RouteTables"][0]["Routes"].as_array().unwrap() {
        let gateway = route["GatewayId"].as_str().unwrap_or_default();
        assert!(
            gateway == "local" || gateway.starts_with("vpce-"),
            "a way out: {route}"
        );
        assert_eq!(route["NatGatewayId"], Value::Null);
    }
    cloud.aws(&["cloudformation", "delete-stack", "--stack-name", "network"]);
    cloud.text(&[
        "cloudformation",
        "wait",
        "stack-delete-complete",
        "--stack-name",
        "network",
    ]);
    let [lake, pollers] = network("on-demand");
    let zones = "us-east-1d,us-east-1b,us-east-1f";
    cloud
        .stack("network", &[lake, pollers, ("Zones", zones)])
        .await;
    assert_eq!(
        services(&cloud),
        ["lambda", "s3", "sts"].map(str::to_owned).into()
    );
    let told = cloud.aws(&[
        "ec2",
        "describe-subnets",
        "--filters",
        "Name=tag:Name,Values=tidemill-*",
    ]);
    let mut made: Vec<_> = told["Subnets"].as_array().unwrap().iter().collect();
    made.sort_by_key(|it| it["CidrBlock"].as_str());
    let made: Vec<_> = made
        .iter()
        .map(|it| it["AvailabilityZone"].as_str().unwrap())
        .collect();
    assert_eq!(made.join(","), zones);

    // What goes through the gateway to S3 gets to the lake and to CloudFormation of this region, to no bucket that anybody makes.
    let told = cloud.aws(&["ec2", "describe-vpc-endpoints"]);
    let mut endpoints = told["VpcEndpoints"].as_array().unwrap().iter();
    let gateway = endpoints
        .find(|it| it["VpcEndpointType"] == "Gateway")
        .unwrap();
    let policy: Value = serde_json::from_str(gateway["PolicyDocument"].as_str().unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let reached: BTreeSet<_> = statements.flat_map(|it| texts(&it["Resource"])).collect();
    let wanted = [
        "arn:aws:s3:::cloudformation-custom-resource-response-useast1/*",
        "arn:aws:s3:::lake",
        "arn:aws:s3:::lake/*",
    ];
    assert_eq!(reached, wanted.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_are_told_where_they_shall_be() {
    let Some(cloud) = Cloud::start().await else {
        return;
    };
    let topic = "arn:aws:sns:us-east-1:000000000000:people";
    let apis = [("StocksApi", "a"), ("GamesApi", "b"), ("LakeApi", "c")];
    let given = [
        ("AlarmTopicArn", topic),
        ("LakeDoor", "d"),
        ("ClusterWithDisks", "tidemill"),
    ];
    let parameters = [&apis[..], &given[..]].concat();
    cloud.stack("watch", &parameters).await;
    let told = cloud.aws(&["cloudwatch", "describe-alarms"]);
    let alarms = told["MetricAlarms"].as_array().unwrap();
    let document = document("infra/watch.yaml");
    assert_eq!(alarms.len(), crate::alarms::alarms(&document).len());
    for alarm in alarms {
        assert_eq!(alarm["AlarmActions"], serde_json::json!([topic]), "{alarm}");
        // More than ten metrics are no alarm.
        assert!(alarm["Metrics"].as_array().unwrap().len() <= 10, "{alarm}");
    }
    // (LocalStack has no dashboards.)
    let body = crate::alarms::dashboard(&document);
    assert_eq!(body["widgets"].as_array().unwrap().len(), 13);
}

/// As `sam deploy` does it: every local path of every stack is found and uploaded, SAM's transform makes resources of
/// template.yaml, and the conditions choose among them.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_makes_what_its_parameters_ask_for() {
    let Some(cloud) = Cloud::start().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(
        workspace().join("template.yaml"),
        folder.path().join("template.yaml"),
    )
    .unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(workspace().join("infra"))
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    for spec in functions() {
        let zip = folder.path().join("target/lambda").join(&spec.name);
        std::fs::create_dir_all(&zip).unwrap();
        std::fs::write(zip.join("bootstrap.zip"), zip_of(&spec.name)).unwrap();
    }
    cloud.aws(&["s3api", "create-bucket", "--bucket", "deployments"]);
    let mut package = cloud.command(
        &cloud.endpoint,
        &[
            "cloudformation",
            "package",
            "--template-file",
            "template.yaml",
            "--s3-bucket",
            "deployments",
        ],
    );
    let output = package
        .args(["--output-template-file", "packaged.yaml"])
        .current_dir(folder.path())
        .output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let packaged = std::fs::read_to_string(folder.path().join("packaged.yaml")).unwrap();
    assert!(!packaged.contains(": infra/"), "{packaged}");
    assert!(!packaged.contains("target/lambda"), "{packaged}");
    let uploaded = cloud.aws(&["s3api", "list-objects-v2", "--bucket", "deployments"]);
    // Seven functions; eight stacks, of which the doors share one.
    assert_eq!(
        uploaded["Contents"].as_array().unwrap().len(),
        7 + 8,
        "{uploaded}"
    );

    let always = ["Access", "Tables", "Topics", "Watch"];
    let made = changes(&cloud, folder.path(), "tidemill", &[]);
    let expected = always.into_iter().chain(["Cluster", "Lake", "Network"]);
    assert_eq!(
        of_type(&made, "AWS::CloudFormation::Stack"),
        expected.collect()
    );
    assert_eq!(of_type(&made, "AWS::Lambda::EventSourceMapping").len(), 7);
    assert_eq!(of_type(&made, "AWS::Lambda::Function").len(), 6);
    assert_eq!(of_type(&made, "AWS::ApiGatewayV2::Api").len(), 3);
    assert_eq!(of_type(&made, "AWS::Scheduler::Schedule").len(), 2);

    // On a Kafka and a lake of one's own, for who has a token.
    let own = [
        "Kafka=brokers",
        "KafkaBrokers=b:9092",
        "KafkaSecurityProtocol=PLAINTEXT",
        "KafkaSaslMechanism=none",
        "LakeBucket=kept",
        "OpenToAll=false",
        "JwtIssuer=https://issuer.example",
    ];
    let made = changes(&cloud, folder.path(), "own", &own);
    let expected = always
        .into_iter()
        .chain(["GamesDoor", "LakeDoor", "StocksDoor"]);
    assert_eq!(
        of_type(&made, "AWS::CloudFormation::Stack"),
        expected.collect()
    );
    assert_eq!(of_type(&made, "AWS::Lambda::EventSourceMapping").len(), 7);
}

/// Another cluster has other brokers, for which CloudFormation asks again only where a property of the resource changes.
#[test]
fn what_is_asked_of_a_cluster_names_it() {
    let document = document("infra/topics.yaml");
    let property = |path: &str| {
        at(&document, &format!("Resources.{path}"))
            .unwrap()
            .to_string()
    };
    assert_eq!(property("Brokers.Properties.Cluster"), "!Ref ClusterArn");
    let brokers = "!If [OnMsk, !GetAtt Brokers.Brokers, !Ref KafkaBrokers]";
    assert_eq!(property("Topics.Properties.Brokers"), brokers);
    let told = "MakeTopics.Properties.Environment.Variables.KAFKA_BROKERS";
    assert_eq!(property(told), brokers);
    assert_eq!(
        at(&document, "Outputs.Brokers.Value").unwrap().to_string(),
        brokers
    );
    // It asks from outside of every network: MSK's control plane has no endpoint there.
    assert_eq!(
        at(&document, "Resources.FindBrokers.Properties.VpcConfig"),
        None
    );
    assert!(at(&document, "Resources.MakeTopics.Properties.VpcConfig").is_some());
}

/// What a deployment with these parameters would make: logical id and type.
fn changes(
    cloud: &Cloud,
    folder: &Path,
    stack: &str,
    parameters: &[&str],
) -> Vec<(String, String)> {
    let mut command = cloud.command(
        &cloud.endpoint,
        &[
            "cloudformation",
            "deploy",
            "--no-execute-changeset",
            "--stack-name",
            stack,
            "--template-file",
            "packaged.yaml",
            "--s3-bucket",
            "deployments",
            "--capabilities",
            "CAPABILITY_IAM",
            "CAPABILITY_AUTO_EXPAND",
        ],
    );
    if !parameters.is_empty() {
        command.arg("--parameter-overrides").args(parameters);
    }
    let output = command.current_dir(folder).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{failed}");
    let name = said
        .split_whitespace()
        .find(|it| it.contains(":changeSet/"));
    let name = name.unwrap_or_else(|| panic!("{said}"));
    let told = cloud.aws(&[
        "cloudformation",
        "describe-change-set",
        "--change-set-name",
        name,
    ]);
    let changes = told["Changes"].as_array().unwrap().iter();
    let text =
        |change: &Value, key: &str| change["ResourceChange"][key].as_str().unwrap().to_owned();
    changes
        .map(|it| (text(it, "LogicalResourceId"), text(it, "ResourceType")))
        .collect()
}

fn of_type<'c>(changes: &'c [(String, String)], kind: &str) -> BTreeSet<&'c str> {
    let made = changes.iter().filter(|(_, it)| it == kind);
    made.map(|(id, _)| id.as_str()).collect()
}

/// The smallest file that is a zip and differs by name: the record of an empty archive, with a comment.
fn zip_of(name: &str) -> Vec<u8> {
    let mut end = vec![0x50, 0x4b, 5, 6];
    end.extend([0; 16]);
    end.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    end.extend(name.as_bytes());
    end
}

/// One function's policy, as IAM has it.
pub(crate) struct Policy(Vec<Value>);

impl Policy {
    /// The one policy of a role; nothing else is attached to it.
    fn of(roles: &Value, arn: &Value) -> Self {
        let mut all = roles["RoleDetailList"].as_array().unwrap().iter();
        let role = all.find(|it| it["Arn"] == *arn).unwrap();
        assert_eq!(
            role["AttachedManagedPolicies"],
            serde_json::json!([]),
            "{arn}"
        );
        let policies = role["RolePolicyList"].as_array().unwrap();
        assert_eq!(policies.len(), 1, "{arn}");
        let statements = &policies[0]["PolicyDocument"]["Statement"];
        Self(statements.as_array().unwrap().clone())
    }

    fn statements(&self, effect: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |it| it["Effect"] == effect)
    }

    /// Whether it allows an action on a resource.
    pub(crate) fn allows(&self, action: &str, resource: &str) -> bool {
        self.statements("Allow").any(|statement| {
            let named = |key: &str| texts(&statement[key]);
            named("Action").contains(&action)
                && named("Resource").iter().any(|it| matches(it, resource))
        })
    }

    /// The prefixes of the bucket that it allows to write.
    fn prefixes(&self, bucket: &str) -> impl Iterator<Item = &str> {
        let lake = format!("arn:aws:s3:::{bucket}/");
        let puts = self
            .statements("Allow")
            .filter(|it| texts(&it["Action"]).contains(&"s3:PutObject"));
        puts.flat_map(|it| texts(&it["Resource"]))
            .map(move |it| it.strip_prefix(&lake).unwrap())
    }

    /// The services of the actions that it allows.
    fn services(&self) -> BTreeSet<&str> {
        let actions = self.statements("Allow").flat_map(|it| texts(&it["Action"]));
        actions
            .map(|action| action.split(':').next().unwrap())
            .collect()
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(many) => many.iter().map(|it| it.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    }
}

/// IAM's `*` at a pattern's end, which is all that we use of it.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => text.starts_with(prefix),
        None => pattern == text,
    }
}

/// The policies of all functions over a lake and a cluster that is reached by IAM, or by a password.
pub(crate) async fn policies(
    cloud: &Cloud,
    bucket: &str,
    mechanism: &str,
    secret: &str,
) -> Vec<(String, Policy)> {
    let roles = cloud
        .stack(
            "access",
            &[
                ("ClusterArn", CLUSTER),
                ("KafkaSaslMechanism", mechanism),
                ("KafkaSecretArn", secret),
                (
                    "KafkaSecretKeyArn",
                    if secret.is_empty() { "" } else { KEY },
                ),
                ("InVpc", "true"),
                ("LakeBucket", bucket),
                ("LogRetentionDays", "30"),
            ],
        )
        .await;
    let all = cloud.aws(&[
        "iam",
        "get-account-authorization-details",
        "--filter",
        "Role",
    ]);
    let functions = functions().into_iter().map(|it| it.name);
    functions
        .map(|name| {
            let mut output = name.clone();
            output[..1].make_ascii_uppercase();
            (name, Policy::of(&all, &roles[&output]))
        })
        .collect()
}

fn of_cluster(kind: &str, name: &str) -> String {
    format!(
        "{}/{name}",
        CLUSTER.replace(":cluster/", &format!(":{kind}/"))
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn each_function_may_do_what_it_does_and_nothing_else() {
    let Some(cloud) = Cloud::start().await else {
        return;
    };
    let bucket = cloud.lake().await;
    let object = |key: &str| format!("arn:aws:s3:::{bucket}/{key}");
    let all = policies(&cloud, &bucket, "MSK_IAM", "").await;
    let specs = functions();
    for (name, policy) in &all {
        let spec = specs.iter().find(|it| it.name == *name).unwrap();
        let reads = |variable: &str| {
            spec.env.contains_key(variable) || spec.unresolved_env.contains_key(variable)
        };
        let (talks, has_lake) = (reads("KAFKA_BROKERS"), reads("LAKE_URL"));
        let triggered = !spec.triggers.is_empty();

        // Services, and what stands for everything.
        let mut services = BTreeSet::from(["logs"]);
        if talks || triggered {
            services.extend(["ec2", "kafka-cluster"]);
        }
        // Pollers look a cluster up by the function's role; functions are told its brokers.
        let finds = triggered || name == "brokers";
        if finds {
            services.insert("kafka");
        }
        if has_lake {
            services.insert("s3");
        }
        assert_eq!(policy.services(), services, "{name}");
        for statement in policy.statements("Allow") {
            // IAM has no resource for either.
            let nameless = texts(&statement["Action"])
                .iter()
                .all(|it| it.starts_with("ec2:") || *it == "kafka:GetBootstrapBrokers");
            let everything = texts(&statement["Resource"]).contains(&"*");
            assert_eq!(nameless, everything, "{name}: {statement}");
        }
        let denied: Vec<_> = policy.statements("Deny").collect();
        assert_eq!(denied.len(), usize::from(talks || triggered), "{name}");
        for statement in denied {
            let own = format!("arn:aws:lambda:us-east-1:000000000000:function:{name}");
            assert_eq!(
                statement["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"], own,
                "{name}"
            );
        }
        let log = format!("arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/{name}:*");
        assert!(
            policy.allows("logs:PutLogEvents", &log),
            "{name}: {:?}",
            policy.0[0]
        );

        // Kafka.
        assert_eq!(
            policy.allows("kafka:GetBootstrapBrokers", CLUSTER),
            finds,
            "{name}"
        );
        assert_eq!(
            policy.allows("kafka:DescribeClusterV2", CLUSTER),
            triggered,
            "{name}"
        );
        assert_eq!(
            policy.allows("kafka-cluster:Connect", CLUSTER),
            talks || triggered,
            "{name}"
        );
        let publishes = |topic: &str| {
            TOPICS
                .iter()
                .any(|(it, who, _)| *it == topic && *who == name)
        };
        let idempotently = policy.allows("kafka-cluster:WriteDataIdempotently", CLUSTER);
        assert_eq!(
            idempotently,
            TOPICS.iter().any(|(_, who, _)| who == name),
            "{name}"
        );
        for (topic, _, _) in TOPICS {
            let arn = of_cluster("topic", topic);
            assert_eq!(
                policy.allows("kafka-cluster:WriteData", &arn),
                publishes(topic),
                "{name}: {topic}"
            );
            // `exchange` reads the log's beginning by itself.
            let read = spec.triggers.iter().any(|it| it.topics[0] == topic)
                || (name == "exchange" && publishes(topic));
            assert_eq!(
                policy.allows("kafka-cluster:ReadData", &arn),
                read,
                "{name}: {topic}"
            );
            let makes = name == "topics";
            assert_eq!(
                policy.allows("kafka-cluster:CreateTopic", &arn),
                makes,
                "{name}: {topic}"
            );
            assert_eq!(
                policy.allows("kafka-cluster:DescribeTopic", &arn),
                makes || read || publishes(topic),
                "{name}: {topic}"
            );
        }
        for other in specs.iter().flat_map(|it| &it.triggers) {
            let arn = of_cluster("group", &other.consumer_group);
            let own = spec.triggers.contains(other);
            for action in ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"] {
                assert_eq!(
                    policy.allows(action, &arn),
                    own,
                    "{name}: {}",
                    other.consumer_group
                );
            }
        }

        let scan = of_cluster("group", "tidemill-scan");
        assert_eq!(
            policy.allows("kafka-cluster:DescribeGroup", &scan),
            name == "exchange",
            "{name}"
        );

        // The lake.
        assert_eq!(
            policy.allows("s3:ListBucket", &format!("arn:aws:s3:::{bucket}")),
            has_lake,
            "{name}"
        );
        // Who lists by prefix lists what it writes; a condition that were not "IfExists" would turn S3's 404 into 403.
        let own: BTreeSet<_> = policy.prefixes(&bucket).collect();
        if name == "archive" || name == "evaluate" {
            let mut listings = policy
                .statements("Allow")
                .filter(|it| it["Sid"] == "ListLake");
            let condition = &listings.next().unwrap()["Condition"];
            let listed = texts(&condition["StringLikeIfExists"]["s3:prefix"]);
            assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), own, "{name}");
        }
        for table in Table::all() {
            let commits = match table {
                Table::Evaluations => name == "evaluate",
                Table::Gaps => name == "archive" || name == "evaluate",
                _ => name == "archive",
            };
            // The rows of `gaps` stand by the table that misses some.
            let missed = if name == "evaluate" {
                Table::Evaluations
            } else {
                Table::Ticks
            };
            let key = match table {
                Table::Gaps => object(&format!("gaps/{missed}/0/StockExchange/0/0.parquet")),
                table => object(&format!("{table}/0/a-topic/0/0.parquet")),
            };
            assert_eq!(
                policy.allows("s3:PutObject", &key),
                commits,
                "{name}: {key}"
            );
            assert_eq!(
                policy.allows("s3:GetObject", &key),
                commits || name == "query",
                "{name}: {key}"
            );
            assert!(!policy.allows("s3:DeleteObject", &key), "{name}: {key}");
        }
        let holdings = object("holdings/investor-1/1.json");
        let edits = name == "query" || name == "evaluate";
        assert_eq!(policy.allows("s3:PutObject", &holdings), edits, "{name}");
        let staged = object("rebuild/ticks/0.1/StockExchange/0/id/0.parquet");
        assert_eq!(
            policy.allows("s3:DeleteObject", &staged),
            name == "archive",
            "{name}"
        );
        assert!(
            !policy.allows("s3:PutObject", &object("other/key")),
            "{name}"
        );
    }

    // Where brokers ask nobody, pollers go by IAM all the same if the cluster has it, and functions do not.
    let again = || {
        cloud.aws(&["cloudformation", "delete-stack", "--stack-name", "access"]);
        cloud.text(&[
            "cloudformation",
            "wait",
            "stack-delete-complete",
            "--stack-name",
            "access",
        ]);
    };
    again();
    for (name, policy) in policies(&cloud, &bucket, "none", "").await {
        let spec = specs.iter().find(|it| it.name == name).unwrap();
        let triggered = !spec.triggers.is_empty();
        for trigger in &spec.triggers {
            let topic = of_cluster("topic", &trigger.topics[0]);
            let group = of_cluster("group", &trigger.consumer_group);
            assert!(policy.allows("kafka-cluster:ReadData", &topic), "{name}");
            assert!(policy.allows("kafka-cluster:AlterGroup", &group), "{name}");
        }
        let connects = policy.allows("kafka-cluster:Connect", CLUSTER);
        assert_eq!(connects, triggered, "{name}");
        let asks = policy.services().contains("kafka-cluster");
        assert_eq!(asks, triggered, "{name}");
        let writes = policy.allows("kafka-cluster:WriteDataIdempotently", CLUSTER);
        assert!(!writes, "{name}");
    }

    // By a password, Lambda's pollers read the secret by the function's role, and nobody asks IAM for a topic.
    again();
    for (name, policy) in policies(&cloud, &bucket, "SCRAM-SHA-512", SECRET).await {
        let triggered = specs
            .iter()
            .any(|it| it.name == name && !it.triggers.is_empty());
        assert_eq!(
            policy.allows("secretsmanager:GetSecretValue", SECRET),
            triggered,
            "{name}"
        );
        assert_eq!(policy.allows("kms:Decrypt", KEY), triggered, "{name}");
        assert!(!policy.services().contains("kafka-cluster"), "{name}");
    }
}
