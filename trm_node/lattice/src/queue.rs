//! Which rows are due, in bands of cost, first in first out.

/// No row.
const NONE: u32 = u32::MAX;

/// Lists of rows, one for each band. A row is in one of them at most. Nothing is allocated after construction.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    /// First and last row of each band.
    bands: Vec<(u32, u32)>,
    /// The rows before and after each row in its list.
    links: Vec<(u32, u32)>,
    /// The band of each row.
    band_of: Vec<u32>,
    left: usize,
}

impl Queue {
    pub(crate) fn new(rows: usize, bands: usize) -> Self {
        Self { bands: vec![(NONE, NONE); bands], links: vec![(NONE, NONE); rows], band_of: vec![NONE; rows], left: 0 }
    }

    /// Makes room for more rows, up to this many. None of them is listed.
    pub(crate) fn grow(&mut self, rows: usize) {
        self.links.resize(rows, (NONE, NONE));
        self.band_of.resize(rows, NONE);
    }

    pub(crate) fn clear(&mut self) {
        self.bands.fill((NONE, NONE));
        self.band_of.fill(NONE);
        self.left = 0;
    }

    #[inline(always)]
    pub(crate) const fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The number of bands.
    pub(crate) fn bands(&self) -> usize {
        self.bands.len()
    }

    /// Lists a row in a band, at its end, unless it is in that one or an earlier one.
    #[inline(always)]
    pub(crate) fn push(&mut self, row: usize, band: usize) {
        if self.band_of[row] <= band as u32 {
            return;
        }
        if self.band_of[row] != NONE {
            self.unlink(row);
        }
        let last = self.bands[band].1;
        self.links[row] = (last, NONE);
        if last == NONE {
            self.bands[band].0 = row as u32;
        } else {
            self.links[last as usize].1 = row as u32;
        }
        self.bands[band].1 = row as u32;
        self.band_of[row] = band as u32;
        self.left += 1;
    }

    /// Takes the first row of a band.
    #[inline(always)]
    pub(crate) fn pop(&mut self, band: usize) -> Option<usize> {
        let row = self.bands[band].0;
        (row != NONE).then(|| {
            self.unlink(row as usize);
            row as usize
        })
    }

    #[inline(always)]
    fn unlink(&mut self, row: usize) {
        let ((before, after), band) = (self.links[row], self.band_of[row] as usize);
        if before == NONE {
            self.bands[band].0 = after;
        } else {
            self.links[before as usize].1 = after;
        }
        if after == NONE {
            self.bands[band].1 = before;
        } else {
            self.links[after as usize].0 = before;
        }
        self.band_of[row] = NONE;
        self.left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_row_is_taken_once_from_its_earliest_band_in_the_order_of_arrival(
            pushes in proptest::collection::vec((0..12_usize, 0..5_usize), 0..60)
        ) {
            let mut queue = Queue::new(12, 5);
            let mut lists = vec![Vec::new(); 5];
            for (row, band) in pushes {
                queue.push(row, band);
                if !lists[..=band].iter().flatten().any(|listed| *listed == row) {
                    for list in &mut lists {
                        list.retain(|listed| *listed != row);
                    }
                    lists[band].push(row);
                }
            }
            for (band, list) in lists.iter().enumerate() {
                let taken: Vec<_> = std::iter::from_fn(|| queue.pop(band)).collect();
                prop_assert_eq!(&taken, list);
            }
            prop_assert!(queue.is_empty());
        }
    }
}
