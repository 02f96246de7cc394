// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a command did not do what it was asked, and the exit code that says so.

use framemill_worker::Failure;

/// Result of a command.
pub type Result<T, E = JobError> = std::result::Result<T, E>;

/// Why a command failed. The text is one line for the user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// The request makes no sense or cannot be served; exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The input is at fault; exit code 2.
    #[error("{file}: {detail}")]
    Input {
        /// The input as the user named it.
        file: String,
        /// What is wrong, with stream, frame or offset.
        detail: String,
    },
    /// The job failed on the way; exit code 3.
    #[error("{0}")]
    Failed(String),
    /// The engine will not do this job's tasks, nor others': a wrong function, workers of another
    /// build; exit code 3.
    #[error("{0}")]
    Refused(String),
    /// The job has taken what it may, of time or money; exit code 4.
    #[error("{0}")]
    Limit(String),
    /// The user stopped the job; exit code 130.
    #[error("{0}")]
    Interrupted(String),
    /// Frames and plan disagree: plan again from a decoding index. Never
    /// reaches the user.
    #[error("the index does not match the frames: {0}")]
    Replan(String),
    /// A stored result is damaged: go on after it is made again. Never reaches
    /// the user.
    #[error("a stored result is damaged: {0}")]
    Remake(String),
}

impl JobError {
    /// What is wrong, for a line that names the input already.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Input { detail, .. } => detail.clone(),
            other => other.to_string(),
        }
    }

    /// The process's exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Input { .. } => 2,
            Self::Failed(_) | Self::Refused(_) | Self::Replan(_) | Self::Remake(_) => 3,
            Self::Limit(_) => 4,
            Self::Interrupted(_) => 130,
        }
    }

    /// What a failed task means for the job, in the user's words.
    #[must_use]
    pub fn from_failure(file: &str, failure: &Failure) -> Self {
        match failure {
            Failure::BadInput { detail } => Self::Input {
                file: file.to_owned(),
                detail: detail.clone(),
            },
            Failure::Damaged { .. } => Self::Input {
                file: file.to_owned(),
                detail: describe_damage(failure),
            },
            Failure::Mismatch { .. } => Self::Input {
                file: file.to_owned(),
                detail: failure.to_string(),
            },
            Failure::Cancelled => Self::Interrupted("interrupted".into()),
            other => Self::Failed(format!("{file}: {other}")),
        }
    }
}

/// Damage with its place: stream, packet, time and offset as far as known.
#[must_use]
pub fn describe_damage(failure: &Failure) -> String {
    let Failure::Damaged {
        stream,
        packet,
        offset,
        time_s,
        detail,
        ..
    } = failure
    else {
        return failure.to_string();
    };
    let mut place = format!("stream {stream}");
    if let Some(packet) = packet {
        place.push_str(&format!(", packet {packet}"));
    }
    if let Some(time) = time_s {
        place.push_str(&format!(", {time:.3} s"));
    }
    if let Some(offset) = offset {
        place.push_str(&format!(", byte {offset}"));
    }
    format!("damaged at {place}: {detail} (--damaged keep takes what decodes)")
}
