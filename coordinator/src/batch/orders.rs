// SPDX-License-Identifier: MIT OR Apache-2.0
//! From sources to jobs: filters, and outputs that have names of their own.

use super::sources::Item;
use crate::error::{JobError, Result};
use crate::job::look_up;
use crate::jobs::{names, Media, Order};
use crate::profile::{self, Profile};
use framemill_store::{self as store, Location};
use framemill_worker::SourceRef;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::HashMap;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Sources that are looked up at once.
const LOOK_UPS: usize = 32;

/// Which sources are taken.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Names that are taken; all where there is none.
    pub include: GlobSet,
    /// Names that are not.
    pub exclude: GlobSet,
    /// Videos or pictures alone.
    pub media: Option<Media>,
    /// Bytes, from the least to the most.
    pub sizes: (u64, u64),
}

/// What is said of all orders of a batch.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The profile, unless an item has one of its own: a name or a file.
    pub profile: Option<String>,
    /// Where outputs go.
    pub place: String,
    /// Whether those that are there are replaced.
    pub overwrite: bool,
}

/// A batch's jobs, and what became of the other sources.
#[derive(Debug, Default)]
pub struct Orders {
    /// What is to be done.
    pub orders: Vec<Order>,
    /// Sources that cannot be read, with the reason.
    pub failed: Vec<(String, String)>,
    /// Sources that filters leave out, and those of which their profile makes nothing.
    pub left_out: u64,
}

/// A set of patterns for names: `*.mov`, `2024/**`. `*` does not stand for `/`; a pattern
/// without `/` is for the name in whatever folder.
///
/// # Errors
/// A text for what is no pattern.
pub fn globs(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let anywhere = match pattern.contains('/') {
            true => pattern.clone(),
            false => format!("**/{pattern}"),
        };
        let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
        set.add(glob.map_err(|error| format!("{pattern:?}: {}", error.kind()))?);
    }
    set.build().map_err(|error| error.to_string())
}

impl Filter {
    fn takes_name(&self, name: &str) -> bool {
        let included = self.include.is_empty() || self.include.is_match(name);
        included && !self.exclude.is_match(name)
    }

    fn takes(&self, media: Media, size: u64) -> bool {
        let media = self.media.is_none_or(|only| only == media);
        media && (self.sizes.0..=self.sizes.1).contains(&size)
    }
}

/// Profiles by name, read once each.
#[derive(Default)]
struct Profiles(HashMap<String, (String, Profile)>);

impl Profiles {
    fn get(&mut self, name: &str) -> Result<&(String, Profile)> {
        if !self.0.contains_key(name) {
            let text = profile::find(name).map_err(JobError::Usage)?;
            let parsed = Profile::parse(&text);
            let parsed = parsed.map_err(|e| JobError::Usage(format!("profile {name}: {e}")))?;
            self.0.insert(name.to_owned(), (text, parsed));
        }
        let found = self.0.get(name);
        found.ok_or_else(|| JobError::Failed(format!("profile {name} is lost")))
    }
}

/// Makes orders of items.
///
/// # Errors
/// [`JobError::Usage`] for profiles that are none, and outputs of one name.
pub async fn orders(
    items: Vec<Item>,
    filter: &Filter,
    ask: &Ask,
    cancel: &CancellationToken,
) -> Result<Orders> {
    let mut all = Orders::default();
    let mut profiles = Profiles::default();
    let before = items.len();
    let items: Vec<Item> = items
        .into_iter()
        .filter(|i| filter.takes_name(&i.name))
        .collect();
    all.left_out = (before - items.len()) as u64;
    for item in &items {
        let name = item.profile.as_ref().or(ask.profile.as_ref());
        let name = name.ok_or_else(|| {
            let input = store::shown(&item.input);
            JobError::Usage(format!("{input}: no profile is named; give --profile"))
        })?;
        profiles.get(name)?;
    }
    let mut makes = Vec::new();
    for (item, found) in look_all_up(items, cancel).await {
        let (source, media) = match found {
            Ok(found) => found,
            Err(reason) => {
                all.failed.push((store::shown(&item.input), reason));
                continue;
            }
        };
        let name = item.profile.as_ref().or(ask.profile.as_ref());
        let (text, profile) = profiles.get(name.map_or("", String::as_str))?;
        let outputs = outputs(profile, media, &item.name);
        if !filter.takes(media, source.size) || outputs.is_empty() {
            all.left_out += 1;
            continue;
        }
        makes.push((item, outputs));
        all.orders.push(Order {
            source,
            media,
            profile: text.clone(),
            place: ask.place.clone(),
            stem: String::new(),
            overwrite: ask.overwrite,
        });
    }
    name_apart(&mut all.orders, &makes)?;
    Ok(all)
}

/// Where an order's outputs will lie, as far as that is known before they are made.
///
/// # Errors
/// [`JobError::Usage`] for a profile that is none, and names that cannot be.
pub fn output_names(order: &Order) -> Result<Vec<String>> {
    let profile = order.profile().map_err(JobError::Usage)?;
    let place = Location::parse_place(&order.place);
    let place = place.map_err(|error| JobError::Usage(error.to_string()))?;
    let names = outputs(&profile, order.media, &store::shown(&order.source.uri));
    let of = |name: &String| place.join(&format!("{}{name}", order.stem)).to_string();
    Ok(names.iter().map(of).collect())
}

/// What an order's outputs are called behind the stem: `-540.mp4`. A picture in its source's own
/// format counts with the source's extension.
fn outputs(profile: &Profile, media: Media, source: &str) -> Vec<String> {
    let own = source
        .rsplit_once('.')
        .map_or("jpg", |(_, e)| e)
        .to_ascii_lowercase();
    let of = |name: &Option<String>, extension: &str| {
        let dash = if name.is_some() { "-" } else { "" };
        format!("{dash}{}.{extension}", name.as_deref().unwrap_or_default())
    };
    let stills = |stills: &[profile::Still]| -> Vec<String> {
        let extension = |s: &profile::Still| s.format.map_or(own.clone(), |f| f.to_string());
        stills.iter().map(|s| of(&s.name, &extension(s))).collect()
    };
    match media {
        Media::Image => stills(&profile.images),
        Media::Video => {
            let videos = profile.videos.iter();
            let mut all: Vec<_> = videos.map(|v| of(&v.name, &v.extension)).collect();
            all.extend(stills(&profile.posters));
            all
        }
    }
}

/// Gives every order a stem such that no two have an output of one name: where sources differ in
/// nothing but the extension, it stays in their outputs' names.
fn name_apart(orders: &mut [Order], makes: &[(Item, Vec<String>)]) -> Result<()> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    let mut longer = vec![false; orders.len()];
    for (n, (item, outputs)) in makes.iter().enumerate() {
        for output in outputs {
            if let Some(other) = taken.insert(format!("{}{output}", item.stem), n) {
                longer[other] = true;
                longer[n] = true;
            }
        }
    }
    taken.clear();
    for (n, (item, outputs)) in makes.iter().enumerate() {
        let extension = item.name.rsplit_once('.').map(|(_, e)| e);
        orders[n].stem = match extension {
            Some(extension) if longer[n] && !item.named => format!("{}.{extension}", item.stem),
            _ => item.stem.clone(),
        };
        for output in outputs {
            let name = format!("{}{output}", orders[n].stem);
            if let Some(other) = taken.insert(name.clone(), n) {
                let (one, two) = (&makes[other].0.input, &item.input);
                return Err(JobError::Usage(format!(
                    "{} and {} would both become {name}",
                    store::shown(one),
                    store::shown(two)
                )));
            }
        }
    }
    Ok(())
}

/// What was found of a source, or why nothing was.
type Looked = Result<(SourceRef, Media), String>;

/// Looks all sources up; they keep their order.
async fn look_all_up(items: Vec<Item>, cancel: &CancellationToken) -> Vec<(Item, Looked)> {
    let mut found: Vec<Option<(Item, Looked)>> = Vec::new();
    found.resize_with(items.len(), || None);
    let mut running = JoinSet::new();
    let mut items = items.into_iter().enumerate();
    while !cancel.is_cancelled() {
        for (n, item) in items.by_ref().take(LOOK_UPS - running.len()) {
            running.spawn(async move {
                let looked = look(&item.input).await;
                (n, item, looked)
            });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((n, item, looked))) => found[n] = Some((item, looked)),
            Some(Err(error)) => tracing::error!(%error, "a look at a source was lost"),
        }
    }
    found.into_iter().flatten().collect()
}

async fn look(input: &str) -> Looked {
    let source = look_up(input).await.map_err(|error| error.reason())?;
    let look = async {
        let (blobs, key) = store::open(&Location::parse(&source.uri)?).await?;
        names::by_content(&blobs, &key, source.size).await
    };
    let media = look.await.map_err(|error| error.to_string())?;
    Ok((source, media))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let set = |list: &[&str]| {
            globs(&list.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>()).unwrap()
        };
        Filter {
            include: set(include),
            exclude: set(exclude),
            media: None,
            sizes: (0, u64::MAX),
        }
    }

    #[test]
    fn patterns_take_names() {
        let movs = filter(&["*.mov"], &["raw/**"]);
        assert!(movs.takes_name("a.mov") && movs.takes_name("2024/a.mov"));
        assert!(!movs.takes_name("raw/a.mov") && !movs.takes_name("a.mp4"));
        assert!(filter(&[], &[]).takes_name("x"));
        assert!(!filter(&["2024/*"], &[]).takes_name("2024/may/a.mov"));
        assert!(globs(&["[".to_owned()]).is_err());
    }

    async fn stems(files: &[&str]) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let items = files.iter().map(|name| {
            let path = folder.path().join(name);
            std::fs::write(&path, "x").unwrap();
            Item {
                input: path.display().to_string(),
                name: (*name).to_owned(),
                stem: names::stem(name),
                named: false,
                profile: None,
            }
        });
        let ask = Ask {
            profile: Some("web".into()),
            place: "out".into(),
            overwrite: false,
        };
        let (items, cancel) = (items.collect(), CancellationToken::new());
        let all = orders(items, &filter(&[], &[]), &ask, &cancel).await?;
        Ok(all.orders.into_iter().map(|order| order.stem).collect())
    }

    #[tokio::test]
    async fn outputs_have_names_of_their_own() {
        assert_eq!(
            stems(&["a.mp4", "b.mp4", "a.jpg"]).await.unwrap(),
            ["a", "b", "a"]
        );
        assert_eq!(
            stems(&["a.mp4", "a.mov", "b.mov"]).await.unwrap(),
            ["a.mp4", "a.mov", "b"]
        );
        let refused = stems(&["a-1600.png", "a-1600.webp"]).await.unwrap();
        assert_eq!(refused, ["a-1600.png", "a-1600.webp"]);
    }
}
