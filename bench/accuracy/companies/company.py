"""One company, drawn from a seed: its plan, both of its sides, what rightly differs, what was planted."""

from __future__ import annotations

import math

from bench.accuracy.companies import cloud_data, cloud_run, drifts, manifests, ondisk, services, tolerated
from bench.accuracy.companies.drifts import Label
from bench.accuracy.companies.estate import Both, Plan, Service, World
from bench.accuracy.companies.naming import Side, draw_naming, stable
from bench.accuracy.companies.settings import draw_variables
from bench.accuracy.companies.words import CACHES, DATABASES, FLEETS, FUNCTIONS, MODULES, PLAIN, TRAPS


def draw(seed: int, *, identical: bool = False) -> tuple[Both, tuple[Label, ...]]:
    """The company of a seed and the labels of its drifts; none where the two sides are to differ in names only."""
    plan = draw_plan(seed)
    both = Both(plan, _world(plan, 0), _world(plan, 1))
    if identical:
        return both, ()
    tolerated.apply(both, stable(seed, "tolerated"))
    return both, drifts.plant(both, stable(seed, "drifts"))


def draw_plan(seed: int) -> Plan:
    random = stable(seed, "plan")
    # Three to sixty services, small companies being commoner than large ones.
    count = round(math.exp(random.uniform(math.log(3), math.log(60))))
    sources = {name for name, share in _SOURCES.items() if random.random() < share}
    runs_on = [name for name in ("ecs", "kubernetes", "compose") if random.random() < 0.5] or [
        random.choice(("ecs", "kubernetes"))
    ]
    cloud = "ecs" in runs_on or random.random() < 0.4
    names = random.sample(TRAPS, k=min(len(TRAPS), -(-count * 2 // 5))) + random.sample(
        PLAIN, k=count - -(-count * 2 // 5)
    )
    random.shuffle(names)
    return Plan(
        seed=seed,
        naming=draw_naming(seed, cloud=cloud),
        services=tuple(
            Service(
                name=name,
                runs_on=random.choice(runs_on),
                web=random.random() < 0.7,
                variables=draw_variables(random, random.randint(6, 22)),
                image=random.choice(("1.14.2", "2.3.0", "v0.9.7", "2026.11.3", f"{random.getrandbits(28):07x}")),
            )
            for name in names
        ),
        databases=tuple(random.sample(DATABASES, k=random.randint(1, 6))) if cloud else (),
        caches=tuple(random.sample(CACHES, k=random.randint(0, 3))) if cloud else (),
        functions=tuple(random.sample(FUNCTIONS, k=random.randint(0, 6))) if cloud else (),
        fleets=tuple(random.sample(FLEETS, k=random.choice((0, 0, 1, 3)))) if cloud else (),
        modules=tuple(random.sample(MODULES, k=random.randint(1, 4))),
        sources=frozenset(sources | ({"aws"} if cloud else set())),
        layout="folders" if random.random() < 0.65 else "side-by-side",
    )


_SOURCES = {"env": 0.5, "yaml": 0.4, "json": 0.3, "terraform": 0.45, "http": 0.35, "postgres": 0.3}


def _world(plan: Plan, index: int) -> World:
    side = Side(plan.naming, index)
    world = World(side)
    if "aws" in plan.sources:
        for region in side.regions:
            cloud_data.build(plan, side, world, region)
            cloud_run.build(plan, side, world, region)
    manifests.build(plan, side, world)
    ondisk.build(plan, side, world)
    services.build(plan, side, world)
    return world
