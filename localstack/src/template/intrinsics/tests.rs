//! Values that are known, and those that only a deployed stack knows.

#![allow(clippy::unwrap_used)]

use super::*;

const DOCUMENT: &str = "
Parameters:
  Bucket: {Type: String, Default: lake}
  Stage: {Type: String, Default: dev}
  Cluster: {Type: String}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsLocal: !Not [{Condition: IsProd}]
  HasCluster: !Not [!Equals [!Ref Cluster, '']]
  Either: !Or [!Condition IsProd, !Condition IsLocal, !Condition HasCluster]
  Circle: !Condition Circle
Mappings:
  Sizes: {dev: {Memory: 128}, prod: {Memory: 1024}}
";

fn resolve(expression: &str, values: &Values) -> Resolution<String> {
    let document = Node::parse(DOCUMENT).unwrap();
    let resolver = Resolver::new(&document, values).unwrap();
    resolver
        .resolve(&Node::parse(expression).unwrap())
        .map(|node| node.to_string())
}

#[test]
fn values_that_are_known() {
    let none = Values::new();
    for (expression, value) in [
        ("!Ref Bucket", "lake"),
        ("!Sub 's3://${Bucket}/${!literal}'", "s3://lake/${literal}"),
        ("!Sub ['${a}-${Stage}', {a: !Ref Bucket}]", "lake-dev"),
        ("!If [IsProd, 1, 2]", "2"),
        ("!If [IsLocal, !Ref Bucket, 2]", "lake"),
        ("!If [Either, yes it is, no]", "yes it is"),
        ("[a, !Ref AWS::NoValue, b]", "[a, b]"),
        ("!Join ['/', [a, !Ref Stage]]", "a/dev"),
        ("!Select [1, !Split [',', 'a,b,c']]", "b"),
        ("!FindInMap [Sizes, !Ref Stage, Memory]", "128"),
    ] {
        assert_eq!(resolve(expression, &none).unwrap(), value, "{expression}");
    }
}

#[test]
fn the_runners_values_win_and_reach_attributes() {
    let values = Values::from([
        ("Bucket".to_owned(), "mine".to_owned()),
        ("Stage".to_owned(), "prod".to_owned()),
        ("Msk.Arn".to_owned(), "arn:1".to_owned()),
    ]);
    assert_eq!(resolve("!Ref Bucket", &values).unwrap(), "mine");
    assert_eq!(resolve("!If [IsProd, 1, 2]", &values).unwrap(), "1");
    assert_eq!(resolve("!GetAtt Msk.Arn", &values).unwrap(), "arn:1");
    assert_eq!(resolve("!Sub '${Msk.Arn}!'", &values).unwrap(), "arn:1!");
}

#[test]
fn what_only_a_deployed_stack_knows_stays_as_written() {
    let none = Values::new();
    for expression in [
        "!Ref Cluster",
        "!GetAtt Msk.Arn",
        "!Sub ${Cluster}/x",
        "!If [HasCluster, 1, 2]",
        "!ImportValue x",
    ] {
        let document = Node::parse(DOCUMENT).unwrap();
        let resolver = Resolver::new(&document, &none).unwrap();
        let node = resolver.resolve(&Node::parse(expression).unwrap()).unwrap();
        assert_eq!(node, Node::Unresolved(expression.to_owned()));
    }
}

#[test]
fn what_cloudformation_would_refuse() {
    let none = Values::new();
    for expression in [
        "!If [Nowhere, 1, 2]",
        "!If [IsProd]",
        "!Sub '${open'",
        "!If [Circle, 1, 2]",
        "!Select [9, [a]]",
    ] {
        assert!(resolve(expression, &none).is_err(), "{expression}");
    }
}
