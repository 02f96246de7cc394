// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bits of a scan, and Huffman codes as tables (ITU-T T.81, annexes C and F).
//!
//! Nothing here knows what damage means: whatever is unusual is `None`.

/// Bits that a table of values is looked up by.
const VALUE_BITS: u32 = 10;

/// Bits that a table of what is skipped is looked up by. Two symbols fit mostly, and the table
/// fits into half of a first-level cache.
const SKIP_BITS: u32 = 12;

/// Coefficients of a block.
const BLOCK: u32 = 64;

/// The bits between two markers, without stuffed bytes.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, the first one on top. Below `count` lie bits that come again.
    held: u64,
    count: u32,
    /// Bits that were made up behind the end.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            held: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// Makes sure of at least 56 bits, zeros behind the end.
    #[inline(always)]
    fn fill(&mut self) {
        if let Some(word) = self.bytes[self.at..].first_chunk() {
            let word = u64::from_be_bytes(*word);
            // The top bit of each byte that is 0xff, and maybe of some in front of such a one.
            let full = (!word).wrapping_sub(0x0101_0101_0101_0101) & word;
            if full & 0x8080_8080_8080_8080 == 0 {
                self.held |= word >> self.count;
                self.at += ((63 - self.count) / 8) as usize;
                self.count |= 56;
                return;
            }
        }
        self.fill_bytewise();
    }

    #[cold]
    #[inline(never)]
    fn fill_bytewise(&mut self) {
        while self.count < 56 {
            let byte = match self.bytes[self.at..] {
                [0xff, 0, ..] => {
                    self.at += 2;
                    0xff
                }
                [0xff, ..] | [] => {
                    self.made_up += 8;
                    0
                }
                [byte, ..] => {
                    self.at += 1;
                    byte
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    #[inline(always)]
    fn peek(&self, bits: u32) -> u32 {
        (self.held >> (64 - bits)) as u32
    }

    #[inline(always)]
    fn take(&mut self, bits: u32) {
        self.held <<= bits;
        self.count -= bits;
    }

    /// The marker behind the scan, if nothing but the rest of a byte was left in front of it, and
    /// nothing was read behind its end. What follows is read next.
    pub(super) fn marker(&mut self) -> Option<u8> {
        self.fill_bytewise();
        let left = self.count.checked_sub(self.made_up)?;
        let [0xff, marker, ..] = self.bytes[self.at..] else {
            return None;
        };
        self.at += 2;
        (self.held, self.count, self.made_up) = (0, 0, 0);
        (left < 8).then_some(marker)
    }
}

/// Symbols in order of their codes, and how many there are of each length.
#[derive(Clone)]
pub(super) struct Codes {
    counts: [u8; 16],
    symbols: Vec<u8>,
}

/// A code: its bits, how many, and what it stands for.
struct Code {
    code: u32,
    length: u32,
    symbol: u8,
}

impl Codes {
    pub(super) fn new(counts: [u8; 16], symbols: &[u8]) -> Self {
        let symbols = symbols.to_vec();
        Self { counts, symbols }
    }

    /// Whether all symbols are differences of eight-bit samples' first coefficients.
    pub(super) fn fits_first(&self) -> bool {
        self.symbols.iter().all(|symbol| *symbol <= 11)
    }

    /// All codes (C.2); `None` where there are more than there is room for.
    fn list(&self) -> Option<Vec<Code>> {
        let mut list = Vec::with_capacity(self.symbols.len());
        let mut symbols = self.symbols.iter();
        let mut code = 0;
        for (length, count) in (1..).zip(self.counts) {
            for symbol in symbols.by_ref().take(usize::from(count)) {
                list.push(Code {
                    code,
                    length,
                    symbol: *symbol,
                });
                code += 1;
            }
            if code > 1 << length {
                return None;
            }
            code <<= 1;
        }
        Some(list)
    }
}

/// Symbols in order of their codes, which may have any length: the slow way.
struct Long(Vec<Code>);

impl Long {
    fn find(&self, bits: &Bits) -> Option<&Code> {
        let window = bits.peek(16);
        let begun = |code: &Code| code.code << (16 - code.length) <= window;
        let last = self.0[..self.0.partition_point(begun)].last()?;
        (window >> (16 - last.length) == last.code).then_some(last)
    }
}

/// A table for values of coefficients.
pub(super) struct Values {
    /// Value × 65,536 + coefficients to go on by × 256 + bits; 0 where the bits do not suffice.
    table: Box<[i32; 1 << VALUE_BITS]>,
    long: Long,
}

/// A coefficient, or the end of a block, which goes on by 0.
#[derive(Clone, Copy)]
struct Value {
    value: i32,
    step: u32,
}

impl Values {
    pub(super) fn new(codes: &Codes) -> Option<Self> {
        let list = codes.list()?;
        let mut table = Box::new([0; 1 << VALUE_BITS]);
        for code in &list {
            let extra = u32::from(code.symbol & 15);
            let total = code.length + extra;
            if total > VALUE_BITS {
                continue;
            }
            let spare = VALUE_BITS - total;
            for bits in 0..1 << extra {
                let value = extended(bits, extra);
                let entry = value << 16 | (step(code.symbol) << 8 | total) as i32;
                let from = ((code.code << extra | bits) << spare) as usize;
                table[from..from + (1 << spare)].fill(entry);
            }
        }
        Some(Self {
            table,
            long: Long(list),
        })
    }

    #[inline(always)]
    fn next(&self, bits: &mut Bits) -> Option<Value> {
        let entry = self.table[bits.peek(VALUE_BITS) as usize];
        if entry == 0 {
            return self.next_long(bits);
        }
        bits.take(entry as u32 & 0xff);
        Some(Value {
            value: entry >> 16,
            step: entry as u32 >> 8 & 0xff,
        })
    }

    #[cold]
    #[inline(never)]
    fn next_long(&self, bits: &mut Bits) -> Option<Value> {
        let code = self.long.find(bits)?;
        let (length, symbol) = (code.length, code.symbol);
        bits.take(length);
        let extra = u32::from(symbol & 15);
        let value = match extra {
            0 => 0,
            extra => extended(bits.peek(extra), extra),
        };
        bits.take(extra);
        let step = step(symbol);
        Some(Value { value, step })
    }

    /// The difference of a block's first coefficient from the one before (F.2.2.1).
    #[inline(always)]
    pub(super) fn first(&self, bits: &mut Bits) -> Option<i32> {
        bits.fill();
        Some(self.next(bits)?.value)
    }

    /// The other coefficients, in the order of the zigzag (F.2.2.2); whether there was any.
    #[inline(always)]
    pub(super) fn rest(
        &self,
        bits: &mut Bits,
        mut put: impl FnMut(u32, i32) -> Option<()>,
    ) -> Option<bool> {
        let mut at = 1;
        while at < BLOCK {
            bits.fill();
            let value = self.next(bits)?;
            if value.step == 0 {
                break;
            }
            at += value.step;
            put(at - 1, value.value)?;
        }
        Some(at > 1)
    }
}

/// A table for blocks of which all but the first coefficient is skipped.
pub(super) struct Skips {
    /// As many symbols as the bits hold: bits × 512 + end of block × 256 + coefficients to go on
    /// by. A symbol that does not fit goes on beyond the block.
    many: Box<[u16; 1 << SKIP_BITS]>,
    /// The first of them: bits × 256 + coefficients to go on by; 0 where its code is longer.
    one: Box<[u16; 1 << SKIP_BITS]>,
    long: Long,
}

/// What the table of many says where it has none.
const TOO_LONG: u16 = 0xff;

impl Skips {
    pub(super) fn new(codes: &Codes) -> Option<Self> {
        let list = codes.list()?;
        let mut one = Box::new([0u16; 1 << SKIP_BITS]);
        for code in list.iter().filter(|code| code.length <= SKIP_BITS) {
            let spare = SKIP_BITS - code.length;
            let total = code.length + u32::from(code.symbol & 15);
            let from = (code.code << spare) as usize;
            one[from..from + (1 << spare)].fill((total << 8 | step(code.symbol)) as u16);
        }
        let mut many = Box::new([TOO_LONG; 1 << SKIP_BITS]);
        for (window, entry) in many.iter_mut().enumerate() {
            let (mut used, mut steps, mut end) = (0, 0, 0);
            while end == 0 && used < SKIP_BITS {
                let first = one[window << used & ((1 << SKIP_BITS) - 1)];
                let (bits, step) = (u32::from(first >> 8), first & 0xff);
                // The bits behind the window are not known: a code has to lie within.
                if first == 0 || used + bits > SKIP_BITS && used > 0 || steps + step >= 64 {
                    break;
                }
                used += bits;
                steps += step;
                end = u16::from(step == 0);
            }
            if used > 0 {
                *entry = (used as u16) << 9 | end << 8 | steps;
            }
        }
        let long = Long(list);
        Some(Self { many, one, long })
    }

    /// Goes on behind the block's last coefficient.
    #[inline(always)]
    pub(super) fn rest(&self, bits: &mut Bits) -> Option<()> {
        let mut at = 1;
        loop {
            // Twice the most bits of an entry, 27, are no more than what there is then.
            bits.fill();
            for _ in 0..2 {
                let entry = u32::from(self.many[bits.peek(SKIP_BITS) as usize]);
                let next = at + (entry & 0xff);
                if next >= BLOCK {
                    at = self.one(bits, at)?;
                    if at == BLOCK {
                        return Some(());
                    }
                    break;
                }
                bits.take(entry >> 9);
                if entry & 0x100 != 0 {
                    return Some(());
                }
                at = next;
            }
        }
    }

    /// Goes on by one symbol; a block's end is behind its last coefficient.
    #[cold]
    #[inline(never)]
    fn one(&self, bits: &mut Bits, at: u32) -> Option<u32> {
        bits.fill();
        let entry = self.one[bits.peek(SKIP_BITS) as usize];
        let (total, step) = match entry {
            0 => {
                let code = self.long.find(bits)?;
                (code.length + u32::from(code.symbol & 15), step(code.symbol))
            }
            entry => (u32::from(entry >> 8), u32::from(entry & 0xff)),
        };
        bits.take(total);
        match step {
            0 => Some(BLOCK),
            step => Some(at + step).filter(|at| *at <= BLOCK),
        }
    }
}

/// How many coefficients a symbol goes on by; 0 at the end of the block.
fn step(symbol: u8) -> u32 {
    match symbol {
        0xf0 => 16,
        symbol if symbol & 15 == 0 => 0,
        symbol => u32::from(symbol >> 4) + 1,
    }
}

/// The value of so many bits (F.2.2.1, EXTEND).
fn extended(bits: u32, count: u32) -> i32 {
    if count == 0 || bits >> (count - 1) == 1 {
        bits as i32
    } else {
        bits as i32 - (1 << count) + 1
    }
}
