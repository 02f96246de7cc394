// SPDX-License-Identifier: MIT OR Apache-2.0
//! `framemill profile`: profiles that come with the program, and one's own.

use super::console;
use super::probe::print;
use crate::error::{JobError, Result};
use crate::profile::{builtin, Profile, NAMES};

/// Arguments of `framemill profile`.
#[derive(clap::Args, Clone, Debug)]
pub struct ProfileArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Name the profiles that come with the program
    List,
    /// Print one, as TOML to start one's own from
    Show {
        /// Its name
        name: String,
    },
    /// Say whether files are profiles
    Check {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// [`JobError::Usage`] for an unknown name, or a file that is no profile.
pub fn run(args: &ProfileArgs) -> Result<()> {
    match &args.command {
        Command::List => list(),
        Command::Show { name } => {
            let names = NAMES.join(", ");
            let text = builtin(name);
            let unknown = || JobError::Usage(format!("no profile is named {name}: give {names}"));
            print(text.ok_or_else(unknown)?)
        }
        Command::Check { files } => check(files),
    }
}

fn list() -> Result<()> {
    let mut text = String::new();
    for name in NAMES {
        let profile = builtin(name).unwrap_or_default();
        let profile = Profile::parse(profile).map_err(JobError::Failed)?;
        text.push_str(&format!("{name:<10}{}\n", profile.description));
    }
    print(&text)
}

fn check(files: &[String]) -> Result<()> {
    let mut wrong = Vec::new();
    for file in files {
        let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
        match read.and_then(|text| Profile::parse(&text)) {
            Ok(profile) => {
                let of = |count: usize, what: &str| {
                    let s = if count == 1 { "" } else { "s" };
                    format!("{count} {what}{s}")
                };
                console::say(&format!(
                    "{file}: {}, {}, {}",
                    of(profile.videos.len(), "video"),
                    of(profile.posters.len(), "poster"),
                    of(profile.images.len(), "image")
                ));
            }
            Err(error) => wrong.push(format!("{file}: {error}")),
        }
    }
    let last = wrong.pop();
    wrong
        .iter()
        .for_each(|line| console::complain(&format!("framemill: {line}")));
    last.map_or(Ok(()), |line| Err(JobError::Usage(line)))
}
