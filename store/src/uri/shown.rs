// SPDX-License-Identifier: MIT OR Apache-2.0
//! Locations as they may be shown.

/// A location's text without what may be secret in it: a URL's user name, password, query and
/// fragment. Paths, and the keys of `s3:`, stay whole. For messages, reports and logs.
pub fn shown(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    if scheme.contains(['/', ' ']) || scheme.eq_ignore_ascii_case("file") {
        return text.to_owned(); // a path
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or("");
    if scheme.eq_ignore_ascii_case("s3") {
        return format!("{scheme}://{host}{path}");
    }
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let cut = if path[end..].starts_with('?') {
        "?…"
    } else {
        ""
    };
    format!("{scheme}://{host}{}{cut}", &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_and_the_rest_stays() {
        let cases = [
            ("a/b c?d", "a/b c?d"),
            ("./a://b:c@d", "./a://b:c@d"),
            ("file:///a?b", "file:///a?b"),
            ("s3://bucket/a?b#c@d", "s3://bucket/a?b#c@d"),
            ("s3://k:secret@bucket/a", "s3://bucket/a"),
            ("https://h/a", "https://h/a"),
            ("https://h/a#secret", "https://h/a"),
            ("https://u:secret@h/a@b?c=secret#d", "https://h/a@b?…"),
            ("https://u:se@cret@h?secret", "https://h?…"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected);
        }
    }
}
