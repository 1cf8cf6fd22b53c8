// The counting loops of training: pure functions over pointers and lengths.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// An entry of a trained sparse row.
struct bowerbird_weighted {
    uint32_t item;
    float weight;
};

// Sums by item, of which most are 0: `sums` has one number an item, `touched` names those that are
// not 0, `count` of them; the functions return the new count.

/// Adds `scale` for every item in the histories' sets `owners`.
///
/// The set of owner u is `items[offsets[u] ..< offsets[u + 1]]`.
size_t bowerbird_add_sets(
    float *sums, uint32_t *touched, size_t count, const uint32_t *owners, size_t owner_count,
    const uint64_t *offsets, const uint32_t *items, float scale);

/// Adds `weights[d]` for the item that came d events before each of `places`, 1 ≤ d ≤ reach.
///
/// `items` are all histories one behind the other; the history of place p begins at `starts[p]`
/// and ends before `ends[p]`, where both are given by owner: `starts[owner_of[p]]`.
size_t bowerbird_add_before(
    float *sums, uint32_t *touched, size_t count, const uint32_t *places, size_t place_count,
    const uint32_t *owner_of, const uint64_t *offsets, const uint32_t *items,
    const float *weights, size_t reach);

/// Adds, for each of `places` and each place at most `reach - 1` events from it on either side or
/// itself, `table[d * (reach + 1) + k]`: d is the distance and k = min(reach - d, events behind the
/// later of both).
size_t bowerbird_add_around(
    float *sums, uint32_t *touched, size_t count, const uint32_t *places, size_t place_count,
    const uint32_t *owner_of, const uint64_t *offsets, const uint32_t *items, const float *table,
    size_t reach, float scale);

/// Copies the lower triangle of the symmetric matrix `full[size][size]` restricted to `chosen` into
/// `part[count][count]`, adding `ridge` to the diagonal.
void bowerbird_gather_dense(
    const float *full, size_t size, const uint32_t *chosen, size_t count, float ridge,
    float *part);

/// The same from sparse rows: row i has `pairs[offsets[i] ..< offsets[i + 1]]`.
///
/// `place` has one number an item, all -1 before and after.
void bowerbird_gather_sparse(
    const uint32_t *offsets, const struct bowerbird_weighted *pairs, int32_t *place,
    const uint32_t *chosen, size_t count, float ridge, float *part);

/// Solves `part · x = right` for a symmetric positive definite `part[count][count]` whose lower
/// triangle is given; both are overwritten, `right` with x. Returns 0, or 1 when it isn't positive
/// definite.
int bowerbird_solve(float *part, float *right, size_t count);

/// The `limit` touched items of the largest `sums[i] * inverse_roots[i]`, without `excluded`, into
/// `best` in no order; of equals the lower item. Returns how many there are. `heap` and `best` have
/// room for `limit`.
size_t bowerbird_best_sources(
    const float *sums, const uint32_t *touched, size_t touched_count, const float *inverse_roots,
    uint32_t excluded, size_t limit, uint64_t *heap, uint32_t *best);

/// The `limit` columns with the largest magnitudes in row `row` of `columns[size][size]`, given
/// column by column; zeros left out. As above.
size_t bowerbird_largest_column(
    const float *columns, size_t size, size_t row, size_t limit, uint64_t *heap, uint32_t *best);

/// As `bowerbird_add_row`, of trained weights.
void bowerbird_add_weighted(
    const struct bowerbird_weighted *pairs, size_t count, uint32_t highest, float scale,
    float *scores, size_t item_count);

/// values[i] = weight * (log(values[i] * factor + floor) - log(floor)) / (log(1 + floor) -
/// log(floor)), to 4 digits: 0 for 0 and `weight` for 1 / factor. Values below 0 count as 0.
void bowerbird_scale_log(
    float *values, size_t count, float factor, float floor, float weight);

/// sums[i] += scale * values[i].
void bowerbird_add_dense(const float *values, size_t count, float scale, float *sums);

struct bowerbird_pair;

/// Where `item` stands in a row; `count` when it doesn't.
size_t bowerbird_find(const struct bowerbird_pair *pairs, size_t count, uint32_t item);

/// The place of the least weight of a row, the first of several; 0 of an empty one.
size_t bowerbird_lightest(const struct bowerbird_pair *pairs, size_t count);

/// The place, from 1, of `answer` when items are ordered by base[i] + weight * values[i], of equals
/// the lower first; 0 when the answer's is not above 0.
size_t bowerbird_rank(
    const float *base, const float *values, float weight, size_t count, size_t answer);

/// lifts[i] += weight * log2((observed[i] + shrinkage) / (totals[i] * share + shrinkage)), to 4
/// digits; nothing was observed of what lies behind `observed_count`.
void bowerbird_add_lifts(
    const float *observed, size_t observed_count, const float *totals, size_t total_count,
    float share, float shrinkage, float weight, float *lifts);

/// lifted[i] = s = scores[i] + scale * prior[i] times 2^lifts[i] where it is above 0, or, unless
/// `is_factor`, s + scale * lifts[i].
void bowerbird_lift(
    const float *scores, const float *prior, float scale, const float *lifts, size_t count,
    int is_factor, float *lifted);
