// SPDX-License-Identifier: MIT OR Apache-2.0
//! What messages say.
//!
//! Formats: S3 event notifications 2.x, whose keys are URL-encoded; EventBridge's `Object Created`
//! and `Object Deleted`, whose keys are not; either of them as the text of a notification by SNS.
//! MinIO and ministack send the first, MinIO with `s3:` before an event's name.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

/// What happened to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is there, or has other content.
    Created,
    /// It is no more.
    Removed,
}

/// A source that something happened to.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What.
    pub kind: Kind,
    /// Its bucket, or the watched folder.
    pub place: String,
    /// Its key, or its path below the folder.
    pub key: String,
    /// When, in seconds since 1970; 0 where nobody says.
    pub time_s: f64,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName")]
    name: String,
    #[serde(rename = "eventTime", default)]
    time: String,
    s3: Parts,
}

#[derive(Deserialize)]
struct Parts {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

/// Reads a message. Test events and such of no interest give no notice.
///
/// # Errors
/// A text for what is no message that this can read.
pub fn read(body: &str) -> Result<Vec<Notice>, String> {
    let value: Value = serde_json::from_str(body).map_err(|e| format!("no JSON: {e}"))?;
    // SNS puts what it is told into a text; more than one such wrapping has no sender.
    if value.get("Type").and_then(Value::as_str) == Some("Notification") {
        let inner = value.get("Message").and_then(Value::as_str);
        let inner = inner.ok_or("a notification without a Message")?;
        let inner =
            serde_json::from_str(inner).map_err(|e| format!("its Message is no JSON: {e}"))?;
        return read_value(&inner);
    }
    read_value(&value)
}

fn read_value(value: &Value) -> Result<Vec<Notice>, String> {
    if value.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    if let Some(records) = value.get("Records").and_then(Value::as_array) {
        let notices = records.iter().map(of_record);
        return Ok(notices
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect());
    }
    if let Some(detail) = value.get("detail") {
        return of_bridge(value, detail).map(|notice| notice.into_iter().collect());
    }
    Err("it is no notification of S3, SNS or EventBridge".into())
}

fn of_record(record: &Value) -> Result<Option<Notice>, String> {
    let record: Record = serde_json::from_value(record.clone())
        .map_err(|e| format!("a record of no S3 event: {e}"))?;
    let name = record.name.strip_prefix("s3:").unwrap_or(&record.name);
    let kind = match name.split(':').next() {
        Some("ObjectCreated") => Kind::Created,
        Some("ObjectRemoved") | Some("LifecycleExpiration") => Kind::Removed,
        _ => return Ok(None),
    };
    let key = record.s3.object.key.replace('+', " ");
    let key = percent_decode_str(&key).decode_utf8();
    let key = key.map_err(|_| format!("the key {:?} is no UTF-8", record.s3.object.key))?;
    Ok(Some(Notice {
        kind,
        place: record.s3.bucket.name,
        key: key.into_owned(),
        time_s: seconds(&record.time),
    }))
}

fn of_bridge(event: &Value, detail: &Value) -> Result<Option<Notice>, String> {
    let kind = match event.get("detail-type").and_then(Value::as_str) {
        Some("Object Created") => Kind::Created,
        Some("Object Deleted") => Kind::Removed,
        Some(_) => return Ok(None),
        None => return Err("an event without a detail-type".into()),
    };
    let parts: Parts = serde_json::from_value(detail.clone())
        .map_err(|e| format!("an event of no S3 object: {e}"))?;
    let time = event.get("time").and_then(Value::as_str).unwrap_or("");
    // Of our own folders.
    let time_s = event.get("time_s").and_then(Value::as_f64);
    Ok(Some(Notice {
        kind,
        place: parts.bucket.name,
        key: parts.object.key,
        time_s: time_s.unwrap_or_else(|| seconds(time)),
    }))
}

/// Seconds since 1970 of a time as AWS writes it, `2026-11-28T09:30:00.123Z`; 0 for any other.
fn seconds(text: &str) -> f64 {
    let read = || {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let mut time = time.splitn(3, ':').map(|part| part.parse::<f64>().ok());
        let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
        // Days from civil (Howard Hinnant): years begin in March, so that leap days come last.
        let (year, month) = if month > 2 {
            (year, month - 3)
        } else {
            (year - 1, month + 9)
        };
        let era = year.div_euclid(400);
        let of_era = year - era * 400;
        let of_year = (153 * month + 2) / 5 + day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        Some(days as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second)
    };
    read().filter(|s: &f64| s.is_finite()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn s3(name: &str, key: &str) -> Value {
        json!({"Records": [{
            "eventSource": "aws:s3", "eventName": name, "eventTime": "1970-01-02T00:00:01.500Z",
            "s3": {"bucket": {"name": "up"}, "object": {"key": key, "size": 3, "eTag": "x"}},
        }]})
    }

    fn created(key: &str) -> Vec<Notice> {
        vec![Notice {
            kind: Kind::Created,
            place: "up".into(),
            key: key.into(),
            time_s: 86_401.5,
        }]
    }

    #[test]
    fn all_ways_to_say_it() {
        let plain = s3("ObjectCreated:Put", "a+b%2Bc%C3%A9.mp4");
        assert_eq!(read(&plain.to_string()), Ok(created("a b+cé.mp4")));
        let minio = s3("s3:ObjectCreated:CompleteMultipartUpload", "x/y.mp4");
        assert_eq!(read(&minio.to_string()), Ok(created("x/y.mp4")));
        let sns = json!({"Type": "Notification", "Message": minio.to_string()});
        assert_eq!(read(&sns.to_string()), Ok(created("x/y.mp4")));
        let bridge = json!({
            "version": "0", "source": "aws.s3", "detail-type": "Object Created",
            "time": "1970-01-02T00:00:01.5Z",
            "detail": {"bucket": {"name": "up"}, "object": {"key": "a+b%2B.mp4", "size": 3}},
        });
        assert_eq!(read(&bridge.to_string()), Ok(created("a+b%2B.mp4")));
        let removed = read(&s3("ObjectRemoved:Delete", "x").to_string()).unwrap();
        assert_eq!(removed[0].kind, Kind::Removed);
    }

    #[test]
    fn what_is_of_no_interest_and_what_is_no_message() {
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "up"});
        assert_eq!(read(&test.to_string()), Ok(vec![]));
        assert_eq!(read(&s3("ObjectTagging:Put", "x").to_string()), Ok(vec![]));
        for wrong in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"Records":[{}]}"#,
            r#"{"Type":"Notification"}"#,
            r#"{"Type":"Notification","Message":"{"}"#,
            r#"{"detail":{}}"#,
            r#"{"detail-type":"Object Created","detail":{}}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(&s3("ObjectCreated:Put", "%ff").to_string()).is_err());
    }

    #[test]
    fn times() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), 0.0);
        assert_eq!(seconds("2024-02-29T12:00:00.000Z"), 1_709_208_000.0);
        assert_eq!(seconds("2026-11-28T09:30:00Z"), 1_795_858_200.0);
        for wrong in [
            "",
            "yesterday",
            "2024-02-29 12:00:00Z",
            "Z",
            "T",
            "2024-02T1:2Z",
        ] {
            assert_eq!(seconds(wrong), 0.0, "{wrong}");
        }
    }
}
