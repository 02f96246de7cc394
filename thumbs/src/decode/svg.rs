// SPDX-License-Identifier: MIT OR Apache-2.0
//! SVG by resvg, drawn at the size that is needed. Nothing outside the file is read.

use std::fmt;
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{fontdb, ImageHrefResolver, Options, Tree};

use super::{checked_size, svg_work, Decode, Facts, Frame, Source};
use crate::error::{Result, ThumbError};
use crate::limits::Limits;
use crate::picture::{Layout, Picture};
use crate::plan::{round, Size};
use crate::Format;

/// The fonts that texts are drawn with.
#[derive(Clone)]
pub struct Fonts(Arc<fontdb::Database>);

impl fmt::Debug for Fonts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fonts").field(&self.0.len()).finish()
    }
}

impl Fonts {
    /// No fonts: texts are left out.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new(fontdb::Database::new()))
    }

    /// The fonts of this machine, which are searched for now.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let mut fonts = fontdb::Database::new();
        fonts.load_system_fonts();
        Self(Arc::new(fonts))
    }
}

pub(super) struct Svg {
    fonts: Fonts,
}

impl Svg {
    pub(super) fn new(fonts: Fonts) -> Self {
        Self { fonts }
    }
}

struct SvgSource {
    facts: Facts,
    tree: Tree,
    limits: Limits,
    done: bool,
}

fn broken(error: impl fmt::Display) -> ThumbError {
    ThumbError::broken(Format::Svg, error)
}

impl Decode for Svg {
    fn format(&self) -> Format {
        Format::Svg
    }

    fn open<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Source + 'a>> {
        let text = std::str::from_utf8(bytes).map_err(|_| broken("it is no UTF-8"))?;
        let options = Options {
            fontdb: self.fonts.0.clone(),
            image_href_resolver: ImageHrefResolver {
                // An embedded picture could be a bomb, and a file could be anyone's.
                resolve_data: Box::new(|_, _, _| None),
                resolve_string: Box::new(|_, _| None),
            },
            ..Options::default()
        };
        let tree = Tree::from_str(text, &options).map_err(broken)?;
        let side = |side: f32| round(f64::from(side)).max(1);
        let size = checked_size(
            Format::Svg,
            side(tree.size().width()),
            side(tree.size().height()),
        )?;
        let mut facts = Facts::still(Format::Svg, size);
        facts.vector = true;
        Ok(Box::new(SvgSource {
            facts,
            tree,
            limits: *limits,
            done: false,
        }))
    }
}

impl Source for SvgSource {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn next_frame(&mut self, least: Size) -> Result<Option<Frame>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        self.limits.check_source(least, false)?;
        let overflow = || ThumbError::bug("svg", "its size overflows");
        let scale = Transform::from_scale(
            least.width as f32 / self.tree.size().width(),
            least.height as f32 / self.tree.size().height(),
        );
        svg_work::check(&self.tree, least, scale)?;
        let mut pixels = Pixmap::new(least.width, least.height).ok_or_else(overflow)?;
        resvg::render(&self.tree, scale, &mut pixels.as_mut());
        let samples = pixels
            .pixels()
            .iter()
            .flat_map(|pixel| {
                let pixel = pixel.demultiply();
                [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
            })
            .collect();
        Ok(Some(Frame {
            picture: Picture::new(least, Layout::Rgba, samples)?,
            milliseconds: 0,
        }))
    }
}
