use super::*;

/// What is at an address, bit by bit.
fn read(layout: &Layout, address: u64) -> Content {
    let n = 1_u64 << layout.slots.len();
    let address = address & !(n - 1) | address.wrapping_sub(u64::from(layout.offset)) & (n - 1);
    let mut position = vec![0; layout.shape.len()];
    let mut free = Content::Element(0);
    for (bit, _) in layout.bits().zip(0..).filter(|(_, at)| address >> at & 1 == 1) {
        match bit {
            AddressBit::Axis { axis, bit } => position[usize::from(axis)] |= 1 << bit,
            AddressBit::Rep => {}
            AddressBit::Zero if free != Content::Junk => free = Content::Zero,
            AddressBit::Zero => {}
            AddressBit::Junk => free = Content::Junk,
        }
    }
    layout.rolls.iter().for_each(|roll| roll.apply(&mut position));
    match (free, layout.element(&position)) {
        (Content::Element(_), content) | (Content::Zero, content @ Content::Junk) => content,
        (Content::Zero | Content::Junk, _) => free,
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Axes of 1 to 9 at any bits, free bits of all kinds, an offset, padding that holds anything, now and then a roll.
fn drawn(random: &mut Random) -> Layout {
    let shape: Vec<u64> = (0..random.below(4)).map(|_| random.below(9) + 1).collect();
    let mut bits: Vec<AddressBit> =
        (0_u8..).zip(&shape).flat_map(|(axis, &size)| (0..axis_bits(size)).map(move |bit| AddressBit::Axis { axis, bit })).collect();
    let free = [AddressBit::Rep, AddressBit::Zero, AddressBit::Junk];
    bits.extend((0..random.below(4)).map(|n| free[(n % 3) as usize]));
    for _ in 0..random.below(4) {
        let (a, b) = (random.below(bits.len().max(1) as u64) as usize, random.below(bits.len().max(1) as u64) as usize);
        if a < bits.len() {
            bits.swap(a, b);
        }
    }
    let chunks = bits.split_off(bits.len() - random.below(bits.len() as u64 + 1) as usize);
    let offset = u32::try_from(random.below(1 << bits.len())).unwrap();
    let junk_padding = (0_u8..).zip(&shape).map(|(axis, _)| axis).filter(|_| random.below(3) == 0).collect();
    let roll = |axis| Piece { axis, lo: 0, len: 1 };
    let rolled = shape.len() > 1 && shape[0] > 1 && shape[1] > 1 && random.below(4) == 0;
    let rolls = if rolled { vec![Roll { piece: roll(0), by: roll(1) }] } else { Vec::new() };
    Layout { shape, slots: bits, chunks, rolls, offset, junk_padding }
}

#[test]
fn contents_runs_and_segments_are_what_the_bits_say() {
    let mut random = Random(1);
    for _ in 0..500 {
        let layout = drawn(&mut random);
        let mut segments = Segments::default();
        for chunk in 0..layout.n_chunks() {
            let n = 1_u64 << layout.slots.len();
            let wanted: Vec<Content> = (0..n).map(|slot| read(&layout, u64::from(chunk) * n + slot)).collect();
            assert_eq!(layout.contents(chunk).collect::<Vec<_>>(), wanted, "{layout:?}");
            let of_run = |run: ContentRun| {
                let later = move |k: u64| {
                    if let Content::Element(flat) = run.content { Content::Element(flat + k * run.dflat) } else { run.content }
                };
                (0..run.count).map(later)
            };
            assert_eq!(layout.runs(chunk).flat_map(of_run).collect::<Vec<_>>(), wanted, "{layout:?}");
            for (slot, content) in (0..).zip(wanted) {
                if let Content::Element(flat) = content {
                    segments.push(chunk, slot, flat);
                }
            }
        }
        assert_eq!(layout.segments(), segments.finish(), "{layout:?}");
    }
}

#[test]
fn a_matrix_of_rows_is_few_runs() {
    let layout = Layout::row_major(&[4096, 4096], 14);
    assert_eq!(layout.runs(1).count(), 4);
    assert_eq!(layout.segments().len(), 1 << 10);
    assert_eq!(layout.content(5 << 14 | 3), Content::Element(5 << 14 | 3));
}
