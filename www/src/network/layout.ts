/** Where people and channels stand in the picture. Pure geometry: a row for few people, across or down; a ring for many. */

/** A place in the picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The picture's size and everybody's place. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly radius: number;
  readonly places: readonly Point[];
  /** Beside the picture of a person, or below it. */
  readonly namesBeside: boolean;
  /** The line of a channel between two people, as an SVG path; `nth` counts the channels between the same two. */
  path(from: number, to: number, nth: number): string;
}

/** More people than this do not fit in a row. */
const ROW = 5;

const RADIUS = 30;

/** Free space between a person and the end of a channel's line. */
const GAP = 10;

/** Places `count` people; `bows` when any channel skips a neighbour or is not the first, which takes room beside the row. */
export function layOut(count: number, isNarrow: boolean, bows: boolean): Layout {
  if (count > ROW) return ring(count, isNarrow);
  return isNarrow ? column(count, bows) : row(count, bows);
}

function row(count: number, bows: boolean): Layout {
  const width = 1000;
  const y = bows ? 170 : 62;
  const step = count > 1 ? (width - 200) / (count - 1) : 0;
  const places = Array.from({ length: count }, (_, index) => ({ x: count > 1 ? 100 + index * step : width / 2, y }));
  const path = (from: number, to: number, nth: number): string => line(places, from, to, nth, { x: 0, y: -95 });
  return { width, height: y + 88, radius: RADIUS, places, namesBeside: false, path };
}

function column(count: number, bows: boolean): Layout {
  const places = Array.from({ length: count }, (_, index) => ({ x: bows ? 110 : 50, y: 44 + index * 150 }));
  const path = (from: number, to: number, nth: number): string => line(places, from, to, nth, { x: 150, y: 0 });
  return { width: 340, height: 88 + (count - 1) * 150, radius: RADIUS, places, namesBeside: true, path };
}

function ring(count: number, isNarrow: boolean): Layout {
  const [width, height] = isNarrow ? [360, 460] : [1000, 460];
  const places = Array.from({ length: count }, (_, index) => {
    const angle = Math.PI + (2 * Math.PI * index) / count;
    return { x: width / 2 + (width / 2 - 70) * Math.cos(angle), y: height / 2 - 10 + (height / 2 - 60) * Math.sin(angle) };
  });
  const path = (from: number, to: number): string => straight(at(places, from), at(places, to));
  return { width, height, radius: isNarrow ? 20 : 26, places, namesBeside: false, path };
}

/** Straight between neighbours, in a bow around whoever or whatever is between. */
function line(places: readonly Point[], from: number, to: number, nth: number, bow: Point): string {
  const [a, b] = [at(places, from), at(places, to)];
  const span = Math.abs(from - to) + nth;
  if (span <= 1) return straight(a, b);
  const lift = { x: bow.x * (0.4 + span * 0.3), y: bow.y * (0.6 + span * 0.35) };
  const middle = { x: (a.x + b.x) / 2 + lift.x, y: (a.y + b.y) / 2 + lift.y };
  const [start, end] = [towards(a, middle), towards(b, middle)];
  return `M${start.x} ${start.y} Q${middle.x} ${middle.y} ${end.x} ${end.y}`;
}

function straight(a: Point, b: Point): string {
  const [start, end] = [towards(a, b), towards(b, a)];
  return `M${start.x} ${start.y} L${end.x} ${end.y}`;
}

/** The point at the edge of a person's picture on the way to another point. */
function towards(from: Point, to: Point): Point {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const out = RADIUS + GAP;
  return { x: round(from.x + (dx / length) * out), y: round(from.y + (dy / length) * out) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function at(places: readonly Point[], index: number): Point {
  return places[index] ?? { x: 0, y: 0 };
}
