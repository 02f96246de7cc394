// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows of macroblocks in parallel: each one as far behind the row above as
//! prediction and contexts look.

use super::trial::{Trial, CELL_AT, CELL_STRIDE};
use crate::vp8::frame::{Frame, Geometry, BORDER};
use crate::vp8::predict::intra::{Above, Edges, LEFT_OF_FRAME};
use crate::vp8::tokens::Context;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::OnceLock;

/// Looks at the row above before a thread lets others go first.
const SPINS: u32 = 200;

/// What a macroblock leaves for those below it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Below {
    pub context: Context,
    /// Its lowest lines: luma, U, V.
    luma: [u8; 16],
    chroma: [[u8; 8]; 2],
}

impl Below {
    pub fn new(context: Context, trial: &Trial) -> Self {
        let line = |plane: usize, rows: usize| CELL_AT[plane] + (rows - 1) * CELL_STRIDE;
        Self {
            context,
            luma: std::array::from_fn(|i| trial.cell[line(0, 16) + i]),
            chroma: [1, 2].map(|plane| std::array::from_fn(|i| trial.cell[line(plane, 8) + i])),
        }
    }
}

/// What a macroblock leaves for the one to its right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Right {
    luma: [u8; 16],
    chroma: [[u8; 8]; 2],
}

impl Right {
    /// To the left of the frame.
    pub const OUTSIDE: Self = Self {
        luma: [LEFT_OF_FRAME; 16],
        chroma: [[LEFT_OF_FRAME; 8]; 2],
    };

    pub fn new(trial: &Trial) -> Self {
        let sample = |plane: usize, last: usize, row: usize| {
            trial.cell[CELL_AT[plane] + row * CELL_STRIDE + last]
        };
        Self {
            luma: std::array::from_fn(|row| sample(0, 15, row)),
            chroma: [1, 2].map(|plane| std::array::from_fn(|row| sample(plane, 7, row))),
        }
    }
}

/// A frame's macroblocks as the rows below see them.
pub(crate) struct Wave {
    below: Vec<OnceLock<Below>>,
    cols: usize,
    /// Set when a thread gives up, so that none waits for it.
    broken: AtomicBool,
}

/// Lines above a macroblock.
pub(crate) struct Over {
    pub luma: Above<16>,
    pub chroma: [Above<8>; 2],
}

impl Wave {
    pub fn new(geometry: Geometry) -> Self {
        Self {
            below: vec![OnceLock::new(); geometry.macroblocks()],
            cols: geometry.mb_cols,
            broken: AtomicBool::new(false),
        }
    }

    /// Tells the rows below of macroblock (x, y).
    pub fn put(&self, (x, y): (usize, usize), below: Below) {
        // Each is put once; a second one would be the same.
        let _ = self.below[y * self.cols + x].set(below);
    }

    /// What macroblock (x, y) left; waits until it is there.
    ///
    /// # Panics
    /// If the thread that should have put it has panicked.
    pub fn get(&self, (x, y): (usize, usize)) -> &Below {
        let cell = &self.below[y * self.cols + x];
        let mut spins = 0;
        loop {
            if let Some(below) = cell.get() {
                return below;
            }
            assert!(!self.broken.load(Ordering::Relaxed), "another row failed");
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Contexts above macroblock (x, y).
    pub fn context(&self, (x, y): (usize, usize)) -> Context {
        match y {
            0 => Context::default(),
            _ => self.get((x, y - 1)).context,
        }
    }

    /// Lines above macroblock (x, y).
    pub fn over(&self, (x, y): (usize, usize)) -> Over {
        if y == 0 {
            return Over {
                luma: Above::OUTSIDE,
                chroma: [Above::OUTSIDE; 2],
            };
        }
        let own = self.get((x, y - 1));
        let left = (x > 0).then(|| self.get((x - 1, y - 1)));
        let right = (x + 1 < self.cols).then(|| self.get((x + 1, y - 1)));
        Over {
            luma: Above::new(
                left.map(|left| left.luma[15]),
                &own.luma,
                right.and_then(|right| right.luma.first_chunk()),
            ),
            chroma: [0, 1].map(|plane| {
                let corner = left.map(|left| left.chroma[plane][7]);
                Above::new(corner, &own.chroma[plane], None)
            }),
        }
    }

    /// Runs `work` on every item, each in a thread of its own, the last in this
    /// one.
    pub fn run<T: Send>(&self, mut items: Vec<T>, work: impl Fn(T) + Sync) {
        let Some(last) = items.pop() else {
            return;
        };
        let work = &work;
        let guarded = |item: T| {
            let guard = BreakOnPanic(self);
            work(item);
            std::mem::forget(guard);
        };
        std::thread::scope(|scope| {
            for item in items {
                scope.spawn(move || guarded(item));
            }
            guarded(last);
        });
    }
}

/// Marks a wave as broken unless it is forgotten.
struct BreakOnPanic<'a>(&'a Wave);

impl Drop for BreakOnPanic<'_> {
    fn drop(&mut self) {
        self.0.broken.store(true, Ordering::Relaxed);
    }
}

impl Over {
    /// What prediction looks at around macroblock (x, y).
    pub fn edges<'a>(
        &'a self,
        right: &Right,
        (x, y): (usize, usize),
    ) -> (Edges<'a, 16>, [Edges<'a, 8>; 2]) {
        let inside = (y > 0, x > 0);
        let [u, v] = &self.chroma;
        (
            self.luma.edges(right.luma, inside),
            [
                u.edges(right.chroma[0], inside),
                v.edges(right.chroma[1], inside),
            ],
        )
    }
}

/// The planes of one row of macroblocks.
pub(crate) struct RowPlanes<'a> {
    planes: [&'a mut [u8]; 3],
    strides: [usize; 3],
}

impl<'a> RowPlanes<'a> {
    /// All rows of a frame.
    pub fn of(frame: &'a mut Frame) -> Vec<Self> {
        let geometry = frame.geometry;
        let mut rows: Vec<Vec<&mut [u8]>> = (0..geometry.mb_rows).map(|_| Vec::new()).collect();
        let (mut rest, mut taken) = (&mut frame.samples[..], 0);
        let strides = [0, 1, 2].map(|plane| geometry.plane(plane).stride);
        for plane in 0..3 {
            let layout = geometry.plane(plane);
            let size = if plane == 0 { 16 } else { 8 };
            let first = layout.at - BORDER;
            let (_, from) = rest.split_at_mut(first - taken);
            let (own, after) = from.split_at_mut(layout.height * layout.stride);
            for (row, samples) in rows
                .iter_mut()
                .zip(own.chunks_exact_mut(size * layout.stride))
            {
                row.push(samples);
            }
            (rest, taken) = (after, first + layout.height * layout.stride);
        }
        let planes = |row: Vec<&'a mut [u8]>| <[&mut [u8]; 3]>::try_from(row).ok();
        let rows = rows.into_iter().filter_map(planes);
        rows.map(|planes| Self { planes, strides }).collect()
    }

    /// Puts a reconstruction in column `x`.
    pub fn store(&mut self, trial: &Trial, x: usize) {
        for (plane, cell) in CELL_AT.into_iter().enumerate() {
            let size = if plane == 0 { 16 } else { 8 };
            let rows = self.planes[plane].chunks_exact_mut(self.strides[plane]);
            for (row, line) in rows.enumerate() {
                let from = cell + row * CELL_STRIDE;
                let to = BORDER + size * x;
                line[to..to + size].copy_from_slice(&trial.cell[from..from + size]);
            }
        }
    }
}
