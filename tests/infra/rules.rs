//! What does not go together is refused before anything is made: template.yaml's `Rules`, as CloudFormation judges them.

use std::collections::{BTreeMap, BTreeSet};

use tidemill::template::Node;

use crate::documents::{at, document, items, text_at};

/// The functions that rules may call, over parameters.
struct Judge(BTreeMap<String, String>);

impl Judge {
    /// The defaults, and these in their place.
    fn of(document: &Node, given: &[(&str, &str)]) -> Self {
        let parameters = document.get("Parameters").unwrap().entries().iter();
        let mut values: BTreeMap<_, _> = parameters
            .map(|(name, it)| (name.clone(), text_at(it, "Default")))
            .collect();
        for (name, value) in given {
            assert!(
                values
                    .insert((*name).to_owned(), (*value).to_owned())
                    .is_some(),
                "{name}"
            );
        }
        Self(values)
    }

    fn text(&self, node: &Node) -> String {
        match node {
            Node::Text(text) => text.clone(),
            Node::Call(call, name) if call == "Ref" => self.0[name.text().unwrap()].clone(),
            other => panic!("{other}"),
        }
    }

    fn list(&self, node: &Node) -> Vec<String> {
        match node {
            Node::List(items) => items.iter().map(|it| self.text(it)).collect(),
            list => self.text(list).split(',').map(str::to_owned).collect(),
        }
    }

    fn holds(&self, node: &Node) -> bool {
        let Node::Call(call, argument) = node else {
            panic!("{node}");
        };
        let parts = items(argument);
        match call.as_str() {
            "Equals" => self.text(&parts[0]) == self.text(&parts[1]),
            "Not" => !self.holds(&parts[0]),
            "And" => parts.iter().all(|it| self.holds(it)),
            "Or" => parts.iter().any(|it| self.holds(it)),
            "Contains" => self.list(&parts[0]).contains(&self.text(&parts[1])),
            other => panic!("{other} is no function of rules"),
        }
    }
}

/// What CloudFormation says against a deployment with these parameters.
fn refusals(document: &Node, given: &[(&str, &str)]) -> BTreeSet<String> {
    let judge = Judge::of(document, given);
    let applied = rules(document).filter(|rule| judge.holds(at(rule, "RuleCondition").unwrap()));
    let broken = applied
        .flat_map(assertions)
        .filter(|it| !judge.holds(at(it, "Assert").unwrap()));
    broken.map(|it| text_at(it, "AssertDescription")).collect()
}

fn rules(document: &Node) -> impl Iterator<Item = &Node> {
    let rules = document.get("Rules").unwrap().entries().iter();
    rules.map(|(_, rule)| rule)
}

fn assertions(rule: &Node) -> &[Node] {
    items(at(rule, "Assertions").unwrap())
}

/// The runner has SASL_PLAINTEXT beside these, which Lambda's pollers have not.
#[test]
fn a_password_never_goes_in_the_clear() {
    let document = document("template.yaml");
    let allowed = at(&document, "Parameters.KafkaSecurityProtocol.AllowedValues");
    let allowed: Vec<_> = items(allowed.unwrap()).iter().map(Node::text).collect();
    assert_eq!(allowed, ["PLAINTEXT", "SSL", "SASL_SSL"].map(Some));
}

const ARN: &str = "arn:aws:kafka:eu-west-1:123456789012:cluster/events/4c4c-1";
const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_tidemill";

#[test]
fn what_goes_together_is_let_through() {
    let document = document("template.yaml");
    let on_msk = [
        ("Kafka", "msk"),
        ("ClusterArn", ARN),
        ("SubnetIds", "subnet-1,subnet-2"),
        ("SecurityGroupIds", "sg-1"),
    ];
    let by_password = [
        ("KafkaSaslMechanism", "SCRAM-SHA-512"),
        ("KafkaSecretArn", SECRET),
    ];
    let on_brokers = [
        ("Kafka", "brokers"),
        ("KafkaBrokers", "b:9092"),
        ("KafkaSaslMechanism", "none"),
    ];
    let in_the_clear = [("KafkaSecurityProtocol", "PLAINTEXT")];
    for good in [
        vec![],
        vec![("Kafka", "provisioned"), ("Pollers", "provisioned")],
        on_msk.to_vec(),
        [&on_msk[..], &by_password[..]].concat(),
        [&on_brokers[..], &in_the_clear[..]].concat(),
        [&on_brokers[..2], &by_password[..]].concat(),
        [&on_brokers[..], &in_the_clear[..], &on_msk[2..]].concat(),
        vec![("Exchanges", "off")],
    ] {
        assert_eq!(refusals(&document, &good), BTreeSet::new(), "{good:?}");
    }
}

#[test]
fn what_does_not_is_refused_with_what_helps() {
    let document = document("template.yaml");
    let mut broken = BTreeSet::new();
    for (bad, said) in [
        (vec![("Kafka", "msk")], "needs ClusterArn"),
        (
            vec![("Kafka", "msk"), ("ClusterArn", ARN)],
            "needs SubnetIds",
        ),
        (
            vec![
                ("Kafka", "msk"),
                ("ClusterArn", ARN),
                ("KafkaBrokers", "b:9098"),
            ],
            "Leave KafkaBrokers empty",
        ),
        (
            vec![("Kafka", "msk"), ("KafkaSaslMechanism", "PLAIN")],
            "MSK knows",
        ),
        (vec![("Kafka", "brokers")], "needs KafkaBrokers"),
        (
            vec![("Kafka", "brokers"), ("KafkaBrokers", "b:9098")],
            "Only MSK knows MSK_IAM",
        ),
        (
            vec![("Kafka", "brokers"), ("ClusterArn", ARN)],
            "takes no ClusterArn",
        ),
        (vec![("KafkaBrokers", "b:9092")], "takes neither"),
        (vec![("ClusterArn", ARN)], "takes neither"),
        (
            vec![("KafkaSecurityProtocol", "PLAINTEXT")],
            "wants KafkaSecurityProtocol=SASL_SSL",
        ),
        (
            vec![("Kafka", "brokers"), ("KafkaSaslMechanism", "PLAIN")],
            "need KafkaSecretArn",
        ),
        (vec![("KafkaSecretArn", SECRET)], "is for PLAIN and SCRAM"),
        (
            vec![("Kafka", "msk"), ("SubnetIds", "subnet-1,subnet-2")],
            "needs SecurityGroupIds",
        ),
        (
            vec![("Kafka", "brokers"), ("SubnetIds", "subnet-1,subnet-2")],
            "SubnetIds need SecurityGroupIds",
        ),
        (vec![("SubnetIds", "subnet-1")], "a VPC of its own"),
        (vec![("SecurityGroupIds", "sg-1")], "a VPC of its own"),
        (
            vec![("Quotes", "https://quotes.test")],
            "no way to the internet",
        ),
        (
            vec![("Kafka", "msk"), ("KafkaSecurityProtocol", "SSL")],
            "MSK_IAM needs",
        ),
        (
            vec![
                ("KafkaSaslMechanism", "PLAIN"),
                ("KafkaSecurityProtocol", "SSL"),
            ],
            "PLAIN and SCRAM need KafkaSecurityProtocol=SASL_SSL",
        ),
        (
            vec![
                ("Kafka", "brokers"),
                ("KafkaSaslMechanism", "SCRAM-SHA-256"),
                ("KafkaSecurityProtocol", "PLAINTEXT"),
            ],
            "PLAIN and SCRAM need KafkaSecurityProtocol=SASL_SSL",
        ),
        (
            vec![("Kafka", "brokers"), ("KafkaSaslMechanism", "none")],
            "KafkaSaslMechanism=none is for",
        ),
    ] {
        let refusals = refusals(&document, &bad);
        assert!(
            refusals.iter().any(|it| it.contains(said)),
            "{bad:?}: {refusals:?}"
        );
        broken.extend(refusals);
    }
    let all = rules(&document).flat_map(assertions);
    let all: BTreeSet<_> = all.map(|it| text_at(it, "AssertDescription")).collect();
    assert_eq!(broken, all, "every rule refuses something");
}
