// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn addresses_are_known_whatever_they_are_wrapped_in() {
    let cases = [
        ("8.8.8.8", Reach::Public),
        ("2606:4700::1111", Reach::Public),
        ("127.0.0.1", Reach::Loopback),
        ("127.255.0.3", Reach::Loopback),
        ("::1", Reach::Loopback),
        ("::ffff:127.0.0.1", Reach::Loopback),
        ("::127.0.0.1", Reach::Loopback),
        ("::ffff:0:127.0.0.1", Reach::Loopback),
        ("64:ff9b::7f00:1", Reach::Loopback),
        ("2002:7f00:1::", Reach::Loopback),
        ("2607:f8b0::5efe:127.0.0.1", Reach::Loopback),
        ("10.1.2.3", Reach::Private),
        ("172.16.0.1", Reach::Private),
        ("172.32.0.1", Reach::Public),
        ("192.168.1.1", Reach::Private),
        ("fd12:3456::1", Reach::Private),
        ("fec0::1", Reach::Private),
        ("::ffff:10.0.0.1", Reach::Private),
        ("2002:a00:1::1", Reach::Private),
        ("169.254.1.1", Reach::LinkLocal),
        ("fe80::1", Reach::LinkLocal),
        ("169.254.169.254", Reach::Metadata),
        ("::ffff:169.254.169.254", Reach::Metadata),
        ("64:ff9b::a9fe:a9fe", Reach::Metadata),
        ("fd00:ec2::254", Reach::Metadata),
        ("100.100.100.200", Reach::Metadata),
        ("168.63.129.16", Reach::Metadata),
        ("0.0.0.0", Reach::Other),
        ("0.1.2.3", Reach::Other),
        ("::", Reach::Other),
        ("100.64.0.1", Reach::Other),
        ("100.128.0.1", Reach::Public),
        ("224.0.0.1", Reach::Other),
        ("255.255.255.255", Reach::Other),
        ("ff02::1", Reach::Other),
        ("198.18.0.1", Reach::Other),
        ("192.0.2.1", Reach::Other),
        ("192.88.99.1", Reach::Other),
        ("2001:db8::1", Reach::Other),
        ("2001:0:7f00:1::", Reach::Other),
        ("64:ff9b:1::1", Reach::Other),
        ("100::1", Reach::Other),
    ];
    for (text, wanted) in cases {
        assert_eq!(reach(ip(text)), wanted, "{text}");
    }
}

#[test]
fn nothing_but_the_internet_is_allowed_unless_said() {
    let strict = Guard::default();
    assert!(strict.allows(ip("1.1.1.1")));
    for text in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "fe80::1", "::"] {
        assert!(!strict.allows(ip(text)), "{text}");
    }
    let open = Guard {
        loopback: true,
        link_local: true,
        private: true,
        ..Guard::default()
    };
    assert!(open.allows(ip("127.0.0.1")) && open.allows(ip("fd12::1")));
    assert!(open.allows(ip("169.254.0.9")) && !open.allows(ip("169.254.169.254")));
    let listed = Guard {
        networks: vec!["10.1.0.0/16".parse().unwrap()],
        ..Guard::default()
    };
    assert!(listed.allows(ip("10.1.2.3")) && listed.allows(ip("::ffff:10.1.2.3")));
    assert!(!listed.allows(ip("10.2.2.3")));
}

#[test]
fn addresses_in_urls_are_seen_in_all_their_forms() {
    let guard = Guard::default();
    for url in [
        "http://127.0.0.1/a",
        "http://127.1/a",
        "http://2130706433/a",
        "http://0x7f000001/a",
        "http://0177.0.0.1/a",
        "http://127.0.0.1./a",
        "http://１２７.0.0.1/a",
        "http://[::1]/a",
        "http://[::ffff:7f00:1]/a",
        "http://0/a",
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/latest",
        "http://user@10.0.0.1:8080/a",
    ] {
        let error = guard.check_url(&Url::parse(url).unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{url}");
    }
    for url in ["http://example.com/a", "https://1.1.1.1/a"] {
        guard.check_url(&Url::parse(url).unwrap()).unwrap();
    }
    assert!(guard.check_url(&Url::parse("ftp://a/b").unwrap()).is_err());
}

#[test]
fn sources_are_allowed_by_their_start() {
    let cases = [
        ("https://good.example", "https://good.example/a.jpg", true),
        ("https://good.example", "https://good.example.evil/a", false),
        (
            "https://good.example/",
            "https://good.example@evil/a",
            false,
        ),
        ("https://good.example/", "https://u:p@good.example/a", true),
        ("https://good.example/", "HTTPS://GOOD.example/a", true),
        ("https://*.good.example/", "https://x.good.example/a", true),
        (
            "https://*.good.example/",
            "https://evil/.good.example/a",
            false,
        ),
        (
            "https://*.good.example/",
            "https://evil?.good.example/a",
            false,
        ),
        (
            "https://*.good.example/",
            "https://evil#.good.example/a",
            false,
        ),
        ("https://h/pub/", "https://h/pub/../secret/a", false),
        ("https://h/pub/", "https://h/pub/%2e%2e/secret/a", false),
        ("https://h/*/pub/", "https://h/x/pub/a", true),
        ("https://h/*/pub/", "https://h/x/y/pub/a", false),
        ("local://", "local:///a", true),
        ("s3://b/", "s3://b/k", true),
        ("s3://b/", "s3://bb/k", false),
    ];
    for (prefix, url, wanted) in cases {
        assert_eq!(
            SourcePrefix::new(prefix).matches(url),
            wanted,
            "{prefix} {url}"
        );
    }
}

struct Answers(Vec<IpAddr>);

#[async_trait]
impl Lookup for Answers {
    async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn of_what_a_name_resolves_to_only_what_is_allowed_is_left() {
    let resolve = |answers: &[&str]| {
        let answers = Answers(answers.iter().map(|text| ip(text)).collect());
        let lookup = GuardedLookup::new(Arc::default(), Arc::new(answers));
        async move {
            let found = lookup.resolve("h.example".parse().unwrap()).await;
            found.map(|found| found.map(|at| at.ip()).collect::<Vec<_>>())
        }
    };
    let mixed = resolve(&["127.0.0.1", "1.1.1.1", "::1"]).await.unwrap();
    assert_eq!(mixed, [ip("1.1.1.1")]);
    let error = resolve(&["10.0.0.1"]).await.unwrap_err();
    let error = error.downcast::<io::Error>().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
}
