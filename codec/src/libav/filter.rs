// SPDX-License-Identifier: MIT OR Apache-2.0
use super::raw::{cstring, error_text};
use super::{log, Frame, FrameGeometry};
use crate::error::{Error, Result};
use crate::picture::Rational;
use ffmpeg_next::ffi;
use libc::c_int;
use std::ptr;

/// A filter graph with one input and one output, run in the caller's thread.
struct Graph {
    graph: *mut ffi::AVFilterGraph,
    source: *mut ffi::AVFilterContext,
    sink: *mut ffi::AVFilterContext,
    description: String,
}

// SAFETY: the graph is owned and only touched through &mut self.
unsafe impl Send for Graph {}

impl Graph {
    /// Builds `source(arguments) → description → sink`.
    fn build(kind: (&str, &str), arguments: &str, description: &str) -> Result<Self> {
        let mut graph = Self {
            // SAFETY: returns null or a graph that we own.
            graph: unsafe { ffi::avfilter_graph_alloc() },
            source: ptr::null_mut(),
            sink: ptr::null_mut(),
            description: description.to_owned(),
        };
        if graph.graph.is_null() {
            return Err(Error::Bug {
                detail: "out of memory for a filter graph".into(),
            });
        }
        let _ = log::take();
        // SAFETY: the graph is ours; the endpoints belong to it.
        unsafe {
            (*graph.graph).nb_threads = 1;
            graph.source = graph.endpoint(kind.0, Some(arguments))?;
            graph.sink = graph.endpoint(kind.1, None)?;
            graph.link()?;
            let code = ffi::avfilter_graph_config(graph.graph, ptr::null_mut());
            graph.check(code)?;
        }
        Ok(graph)
    }

    fn check(&self, code: c_int) -> Result<()> {
        if code >= 0 {
            return Ok(());
        }
        Err(Error::Filter {
            graph: self.description.clone(),
            detail: log::last_or(&error_text(code)),
        })
    }

    unsafe fn endpoint(
        &self,
        filter: &str,
        arguments: Option<&str>,
    ) -> Result<*mut ffi::AVFilterContext> {
        let name = cstring(filter);
        let arguments = arguments.map(cstring);
        let mut context = ptr::null_mut();
        let code = ffi::avfilter_graph_create_filter(
            &raw mut context,
            ffi::avfilter_get_by_name(name.as_ptr()),
            name.as_ptr(),
            arguments.as_ref().map_or(ptr::null(), |a| a.as_ptr()),
            ptr::null_mut(),
            self.graph,
        );
        self.check(code)?;
        Ok(context)
    }

    unsafe fn link(&self) -> Result<()> {
        let pad = |name: &std::ffi::CStr, context| -> Result<*mut ffi::AVFilterInOut> {
            let end = ffi::avfilter_inout_alloc();
            if end.is_null() {
                return Err(Error::Bug {
                    detail: "out of memory for a filter link".into(),
                });
            }
            (*end).name = ffi::av_strdup(name.as_ptr());
            (*end).filter_ctx = context;
            (*end).pad_idx = 0;
            (*end).next = ptr::null_mut();
            Ok(end)
        };
        let mut outputs = pad(c"in", self.source)?;
        let mut inputs = pad(c"out", self.sink)?;
        let description = cstring(&self.description);
        let code = ffi::avfilter_graph_parse_ptr(
            self.graph,
            description.as_ptr(),
            &raw mut inputs,
            &raw mut outputs,
            ptr::null_mut(),
        );
        ffi::avfilter_inout_free(&raw mut inputs);
        ffi::avfilter_inout_free(&raw mut outputs);
        self.check(code)
    }

    /// Unit of the times of frames that come out.
    fn time_base(&self) -> Rational {
        // SAFETY: a configured sink with one input link.
        unsafe { super::raw::rational(ffi::av_buffersink_get_time_base(self.sink)) }
    }

    fn send(&mut self, frame: Option<&Frame>) -> Result<()> {
        let ptr = frame.map_or(ptr::null_mut(), Frame::as_ptr);
        let keep = ffi::AV_BUFFERSRC_FLAG_KEEP_REF as c_int;
        // SAFETY: a configured source; KEEP_REF leaves the caller's frame alone.
        let code = unsafe { ffi::av_buffersrc_add_frame_flags(self.source, ptr, keep) };
        self.check(code)
    }

    fn receive(&mut self) -> Result<Option<Frame>> {
        let frame = Frame::new();
        // SAFETY: a configured sink and a blank frame.
        match unsafe { ffi::av_buffersink_get_frame(self.sink, frame.as_ptr()) } {
            code if code == ffi::AVERROR(libc::EAGAIN) || code == ffi::AVERROR_EOF => Ok(None),
            code => self.check(code).map(|()| Some(frame)),
        }
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: we own the graph and with it its filters.
        unsafe { ffi::avfilter_graph_free(&raw mut self.graph) };
    }
}

/// A chain of video filters in libavfilter's syntax.
pub struct VideoFilter {
    graph: Graph,
}

impl VideoFilter {
    /// Builds the chain for pictures of one geometry.
    ///
    /// # Errors
    /// [`Error::Filter`] with libavfilter's reason.
    pub fn new(description: &str, input: &FrameGeometry, time_base: Rational) -> Result<Self> {
        let sar = if input.sar.is_positive() {
            input.sar
        } else {
            Rational::new(0, 1)
        };
        let arguments = format!(
            "video_size={}x{}:pix_fmt={}:time_base={time_base}:pixel_aspect={sar}",
            input.width, input.height, input.pix_fmt
        );
        let graph = Graph::build(("buffer", "buffersink"), &arguments, description)?;
        Ok(Self { graph })
    }

    /// Unit of the times of pictures that come out; filters may change it.
    #[must_use]
    pub fn time_base(&self) -> Rational {
        self.graph.time_base()
    }

    /// Sends a picture, or the end with `None`.
    ///
    /// # Errors
    /// [`Error::Filter`].
    pub fn send(&mut self, picture: Option<&Frame>) -> Result<()> {
        self.graph.send(picture)
    }

    /// The next filtered picture; `None` when more input is needed.
    ///
    /// # Errors
    /// [`Error::Filter`].
    pub fn receive(&mut self) -> Result<Option<Frame>> {
        self.graph.receive()
    }
}

/// A chain of audio filters in libavfilter's syntax.
pub struct AudioFilter {
    graph: Graph,
    time_base: Rational,
}

impl AudioFilter {
    /// Builds the chain for sound of one format; times in `time_base`.
    ///
    /// # Errors
    /// [`Error::Filter`] with libavfilter's reason.
    pub fn new(
        description: &str,
        sample_rate: u32,
        sample_fmt: &str,
        channel_layout: &str,
        time_base: Rational,
    ) -> Result<Self> {
        let arguments = format!(
            "time_base={time_base}:sample_rate={sample_rate}:sample_fmt={sample_fmt}:channel_layout={channel_layout}"
        );
        let graph = Graph::build(("abuffer", "abuffersink"), &arguments, description)?;
        let time_base = graph.time_base();
        Ok(Self { graph, time_base })
    }

    /// Makes every frame but the last `samples` long.
    pub fn set_frame_size(&mut self, samples: u32) {
        // SAFETY: a configured sink.
        unsafe { ffi::av_buffersink_set_frame_size(self.graph.sink, samples) };
    }

    /// Unit of the times of frames that come out.
    #[must_use]
    pub fn time_base(&self) -> Rational {
        self.time_base
    }

    /// Sends sound, or the end with `None`.
    ///
    /// # Errors
    /// [`Error::Filter`].
    pub fn send(&mut self, sound: Option<&Frame>) -> Result<()> {
        self.graph.send(sound)
    }

    /// The next filtered frame; `None` when more input is needed.
    ///
    /// # Errors
    /// [`Error::Filter`].
    pub fn receive(&mut self) -> Result<Option<Frame>> {
        self.graph.receive()
    }
}
