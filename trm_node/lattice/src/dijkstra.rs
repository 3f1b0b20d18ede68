//! The cost-to-go by Dijkstra's algorithm with a bucket for each cost, state by state: what the computation by rows must
//! agree with.

use crate::masks::{MAX_COST, Masks};
use crate::row::Row;
use crate::simd::lanes::UNREACHED;
use crate::values::place;

/// Values for seeds, given as row of all headings, column and cost.
pub(crate) fn dijkstra<R: Row>(masks: &Masks<R>, seeds: &[(usize, usize, u16)], values: &mut [u16]) {
    values.fill(UNREACHED);
    let least = seeds.iter().map(|(_, _, cost)| *cost as usize).min().unwrap_or(0);
    let most = seeds.iter().map(|(_, _, cost)| *cost as usize).max().unwrap_or(0);
    let count = (most - least).max(MAX_COST as usize) + 1;
    let mut buckets = vec![Vec::new(); count];
    let mut left = 0;
    for (row, col, cost) in seeds {
        let value = &mut values[place::<R>(*row, *col as i32)];
        if cost < value {
            *value = *cost;
            buckets[*cost as usize % count].push((*row, *col));
            left += 1;
        }
    }
    let mut cost = least;
    while left > 0 {
        while let Some((row, col)) = buckets[cost % count].pop() {
            left -= 1;
            if values[place::<R>(row, col as i32)] as usize != cost {
                continue;
            }
            for at in masks.arcs_into(row / R::SIZE) {
                let arc = &masks.arcs[at];
                let source = (row % R::SIZE).wrapping_add_signed(-arc.rows as isize);
                let source_col = col.wrapping_add_signed(-arc.cols as isize);
                if source >= R::SIZE || source_col >= R::SIZE || !masks.allows(at, source_col, source) {
                    continue;
                }
                let source = arc.from * R::SIZE + source;
                let (value, new) = (&mut values[place::<R>(source, source_col as i32)], cost + arc.cost as usize);
                if new < *value as usize {
                    *value = new as u16;
                    buckets[new % count].push((source, source_col));
                    left += 1;
                }
            }
        }
        cost += 1;
    }
}
