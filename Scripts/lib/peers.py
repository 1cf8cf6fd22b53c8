"""Open libraries on the datasets and by the protocol of 'bowerbird-bench quality'.

One CSV line a model. Every model is trained once; only the user's own history grows. Each ranks the
whole catalogue as known so far; what it leaves equal is ordered by popularity.
"""

import csv
import gzip
import json
import sys
import time
from pathlib import Path

import implicit
import numpy as np
import scipy.sparse as sp

QUERIES_TO_TUNE = 1000
DENSE_ITEMS_MAX = 10_000


def read(path, users, items):
    with gzip.open(path, "rt", newline="") as file:
        return [
            (
                users.setdefault(row["USER_ID"], len(users)),
                items.setdefault(row["ITEM_ID"], len(items)),
                float(row["TIMESTAMP"]),
                row.get("QUERY") == "1",
            )
            for row in csv.DictReader(file)
        ]


class Split:
    """Histories before, and what came then, one event at a time."""

    def __init__(self, train, test, user_count, item_count, exclude_seen):
        self.item_count, self.user_count = item_count, user_count
        self.exclude_seen, self.test = exclude_seen, test
        self.histories = {}
        for user, item, _, _ in train:
            self.histories.setdefault(user, []).append(item)
        pairs = sorted({(user, item) for user, item, _, _ in train})
        rows, columns = zip(*pairs)
        self.matrix = sp.csr_matrix(
            (np.ones(len(pairs), np.float32), (rows, columns)), (user_count, item_count)
        )
        self.popularity = np.bincount([event[1] for event in train], minlength=item_count)

    def evaluate(self, scorer, limit=None):
        """HR@10, NDCG@10, MRR@20, HR@20 of `scorer(user, history)`, which scores all items."""
        histories = {user: list(items) for user, items in self.histories.items()}
        known = self.popularity > 0
        tie = 1e-9 * self.popularity / max(1, self.popularity.max())
        queries = [n for n, event in enumerate(self.test) if event[3]]
        if limit and len(queries) > limit:
            chosen = {queries[n * len(queries) // limit] for n in range(limit)}
        else:
            chosen = set(queries)
        ranks = []
        for number, (user, item, _, _) in enumerate(self.test):
            history = histories.setdefault(user, [])
            if number in chosen:
                rank = 0
                if known[item]:
                    scores = scorer(user, history) + tie
                    allowed = known.copy()
                    if self.exclude_seen:
                        allowed[history] = False
                    if allowed[item]:
                        rank = 1 + int(((scores > scores[item]) & allowed).sum())
                        rank += int(((scores == scores[item]) & allowed)[:item].sum())
                ranks.append(rank)
            history.append(item)
            known[item] = True
        ranks = np.array(ranks)
        in10, in20 = (ranks > 0) & (ranks <= 10), (ranks > 0) & (ranks <= 20)
        safe = np.maximum(ranks, 1)
        return (
            float((in10 / np.log2(1 + safe)).mean()),
            float(in10.mean()),
            float((in20 / safe).mean()),
            float(in20.mean()),
        )


def weigh(history, tau):
    """One weight an item: 1, or by how many events ago it last came."""
    if tau is None:
        items = np.array(sorted(set(history)), dtype=np.int64)
        return items, np.ones(len(items), np.float32)
    items, weights, seen = [], [], set()
    for age, item in enumerate(reversed(history[-100:])):
        if item not in seen:
            seen.add(item)
            items.append(item)
            weights.append(np.exp(-age / tau))
    return np.array(items, dtype=np.int64), np.array(weights, np.float32)


def linear(matrix, tau):
    """Scores by a sparse or dense item-item matrix."""

    def score(_, history):
        items, weights = weigh(history, tau)
        if len(items) == 0:
            return np.zeros(matrix.shape[0], np.float32)
        if sp.issparse(matrix):
            row = sp.csr_matrix((weights, (np.zeros_like(items), items)), (1, matrix.shape[0]))
            return np.asarray((row @ matrix).todense()).ravel()
        return weights @ matrix[items]

    return score


def factors(model, split, tau, fold):
    """Scores by item factors: the user's own, folded in anew, or a weighted sum of their items'."""
    y = np.asarray(model.item_factors)
    gram = y.T @ y
    users = np.asarray(model.user_factors)

    def score(user, history):
        if not history:
            return np.zeros(split.item_count, np.float32)
        items, weights = weigh(history, tau)
        if fold:
            mine = y[items]
            confidence = 1 + fold["alpha"] * weights
            left = gram + (mine.T * (confidence - 1)) @ mine + fold["reg"] * np.eye(y.shape[1])
            vector = np.linalg.solve(left, mine.T @ confidence)
        elif tau is None and user in split.histories:
            vector = users[user]
        else:
            vector = weights @ y[items]
        return y @ vector

    return score


def similarity(model, split):
    model.fit(split.matrix, show_progress=False)
    return sp.csr_matrix(model.similarity, dtype=np.float32)


def ease(split, ridge):
    gram = np.asarray((split.matrix.T @ split.matrix).todense(), dtype=np.float32)
    gram[np.diag_indices(split.item_count)] += ridge
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    weights[np.diag_indices(split.item_count)] = 0
    return weights


def als(split, size, reg, alpha):
    model = implicit.als.AlternatingLeastSquares(
        factors=size, regularization=reg, alpha=alpha, iterations=15, random_state=1
    )
    model.fit(split.matrix, show_progress=False)
    return model


def bpr(split, size, rate, reg):
    model = implicit.bpr.BayesianPersonalizedRanking(
        factors=size, learning_rate=rate, regularization=reg, iterations=100, random_state=1
    )
    model.fit(split.matrix, show_progress=False)
    return model


def families(split):
    """By name: a function that trains with a setting, and its settings."""
    recency = [1.5, 4, 20]
    plain, recent = [None], recency
    cosine = implicit.nearest_neighbours.CosineRecommender
    bm25 = implicit.nearest_neighbours.BM25Recommender
    for label, taus in (("", plain), (" + recency", recent)):
        yield f"item-knn cosine{label}", lambda s, k: similarity(cosine(K=k), s), [50, 200], (
            lambda model, s, _, tau: linear(model, tau)
        ), taus
        yield f"item-knn bm25{label}", lambda s, k: similarity(bm25(K=k), s), [50, 200], (
            lambda model, s, _, tau: linear(model, tau)
        ), taus
        if split.item_count <= DENSE_ITEMS_MAX:
            yield f"ease{label}", lambda s, ridge: ease(s, ridge), [100.0, 400.0], (
                lambda model, s, _, tau: linear(model, tau)
            ), taus
        yield f"als{label}", lambda s, o: als(s, *o), [(64, 0.05, 1.0), (64, 0.05, 10.0),
                                                       (128, 0.05, 1.0)], (
            lambda model, s, o, tau: factors(model, s, tau, {"reg": o[1], "alpha": o[2]})
        ), taus
        yield f"bpr{label}", lambda s, o: bpr(s, *o), [(64, 0.05, 0.01), (64, 0.01, 0.01)], (
            lambda model, s, o, tau: factors(model, s, tau, None)
        ), taus


def main(folders):
    print("dataset,model,mode,queries,ndcg@10,hr@10,mrr@20,hr@20,setting,seconds")
    for folder in map(Path, folders):
        meta = json.loads((folder / "meta.json").read_text())
        users, items = {}, {}
        train = sorted(read(folder / "train.csv.gz", users, items), key=lambda event: event[2])
        test = read(folder / "test.csv.gz", users, items)
        sizes = (len(users), len(items), meta["exclude_seen"])
        whole = Split(train, test, *sizes)
        cut = len(train) * 9 // 10
        part = Split(train[:cut], [(u, i, t, True) for u, i, t, _ in train[cut:]], *sizes)
        queries = sum(event[3] for event in test)

        def line(name, values, setting, started):
            figures = ",".join(f"{value:.4f}" for value in values)
            print(
                f"{meta['name']},{name},train-once,{queries},{figures},{setting},"
                f"{time.time() - started:.1f}",
                flush=True,
            )

        started = time.time()
        line("popularity", whole.evaluate(lambda *_: whole.popularity * 1.0), "", started)
        models = {}
        for name, train_model, settings, scorer, taus in families(whole):
            started, best = time.time(), None
            family = name.split(" + ")[0]
            for setting in settings:
                key = family, str(setting)
                if key not in models:
                    models[key] = train_model(part, setting)
                for tau in taus:
                    quality = part.evaluate(
                        scorer(models[key], part, setting, tau), QUERIES_TO_TUNE
                    )
                    if best is None or quality[0] > best[0]:
                        best = quality[0], setting, tau
            _, setting, tau = best
            key = family, str(setting), "whole"
            if key not in models:
                models[key] = train_model(whole, setting)
            values = whole.evaluate(scorer(models[key], whole, setting, tau))
            line(name, values, f"\"{setting} tau={tau}\"", started)


if __name__ == "__main__":
    main(sys.argv[1:])
