// What a .splat file says, in the form the shaders want; back to front; and where a camera stands. Draws nothing.
//
// The world is right-handed with y up; a camera is a record as `studio/splats/splat.py` defines it:
// {width, height, crop: [left, top, side], fov_deg, radius, azimuth_deg, elevation_deg, target: [x, y, z]}.

const SPLAT_BYTES = 32;
export const SPLATS_PER_ROW = 1024, TEXELS = 3;

/**
 * Back to front along a direction: a counting sort by 16 bits of depth. Runs in a worker, from its source.
 * @param box what most of the splats are in; the depths are told apart there, and strays far away count as its ends
 */
function sortSplats(positions, direction, box) {
  const count = positions.length / 3, keys = new Uint16Array(count), starts = new Uint32Array(65537);
  const [x, y, z] = direction;
  let middle = 0, half = 0;
  for (let axis = 0; axis < 3; axis++) {
    middle += (direction[axis] * (box.low[axis] + box.high[axis])) / 2;
    half += Math.abs(direction[axis]) * (box.high[axis] - box.low[axis]);
  }
  const low = middle - half, scale = 65535 / (2 * half || 1);
  for (let i = 0; i < count; i++) {
    const depth = x * positions[3 * i] + y * positions[3 * i + 1] + z * positions[3 * i + 2];
    keys[i] = Math.min(65535, Math.max(0, (depth - low) * scale));
    starts[keys[i] + 1] += 1;
  }
  for (let key = 0; key < 65536; key++) starts[key + 1] += starts[key];
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[starts[keys[i]]++] = i;
  return order;
}

/** What the shaders need of a .splat file with y up: places, covariances and colours. */
export function parseSplats(buffer) {
  const count = Math.floor(buffer.byteLength / SPLAT_BYTES), rows = Math.max(1, Math.ceil(count / SPLATS_PER_ROW));
  const numbers = new Float32Array(buffer, 0, count * 8), bytes = new Uint8Array(buffer, 0, count * SPLAT_BYTES);
  const positions = new Float32Array(3 * count), shapes = new Float32Array(rows * SPLATS_PER_ROW * TEXELS * 4);
  const colours = new Uint8Array(rows * SPLATS_PER_ROW * 4);
  const words = new Uint32Array(buffer, 0, count * 8), coloured = new Uint32Array(colours.buffer); // four bytes at once
  for (let i = 0; i < count; i++) {
    const at = i * TEXELS * 4;
    for (let axis = 0; axis < 3; axis++) positions[3 * i + axis] = shapes[at + axis] = numbers[8 * i + axis];
    covariance(shapes, at + 4, numbers, bytes, i);
    coloured[i] = words[8 * i + 6];
  }
  return { count, rows, positions, shapes, colours };
}

/** Writes xx, xy, xz, yy, yz, zz of one splat. Without small arrays: there are up to two million of them. */
function covariance(into, at, numbers, bytes, index) {
  const s = 8 * index, r = 32 * index + 28;
  let w = bytes[r] - 128, x = bytes[r + 1] - 128, y = bytes[r + 2] - 128, z = bytes[r + 3] - 128;
  const length = Math.hypot(w, x, y, z) || 1;
  w /= length; x /= length; y /= length; z /= length;
  const a = numbers[s + 3], b = numbers[s + 4], c = numbers[s + 5];
  const xa = a * (1 - 2 * (y * y + z * z)), xb = b * 2 * (x * y - w * z), xc = c * 2 * (x * z + w * y);
  const ya = a * 2 * (x * y + w * z), yb = b * (1 - 2 * (x * x + z * z)), yc = c * 2 * (y * z - w * x);
  const za = a * 2 * (x * z - w * y), zb = b * 2 * (y * z + w * x), zc = c * (1 - 2 * (x * x + y * y));
  into[at] = xa * xa + xb * xb + xc * xc;
  into[at + 1] = xa * ya + xb * yb + xc * yc;
  into[at + 2] = xa * za + xb * zb + xc * zc;
  into[at + 3] = ya * ya + yb * yb + yc * yc;
  into[at + 4] = ya * za + yb * zb + yc * zc;
  into[at + 5] = za * za + zb * zb + zc * zc;
}

/** The box around the splats, strays left out, and a camera that sees it as a whole from the front. */
export function boundsOf(positions) {
  const count = positions.length / 3, step = Math.max(1, Math.floor(count / 20000)), low = [], high = [];
  for (let axis = 0; axis < 3; axis++) {
    const values = Float32Array.from({ length: Math.ceil(count / step) }, (_, i) => positions[3 * i * step + axis]).sort();
    low.push(values[Math.floor(0.002 * (values.length - 1))] ?? 0);
    high.push(values[Math.ceil(0.998 * (values.length - 1))] ?? 0);
  }
  return { low, high };
}
export function cameraAround({ low, high }) {
  const target = low.map((value, axis) => (value + high[axis]) / 2);
  const extent = Math.hypot(...high.map((value, axis) => value - low[axis])) / 2 || 1;
  const fov_deg = 40, radius = (1.05 * extent) / Math.sin((fov_deg * Math.PI) / 360);
  return { width: 1000, height: 1000, crop: [0, 0, 1000], fov_deg, radius, azimuth_deg: 0, elevation_deg: 0, target };
}

/** Where a camera stands and how it looks, for a canvas of so many pixels. As Camera.axes in studio/splats/splat.py. */
export function lookFrom(camera, width, height) {
  const a = (camera.azimuth_deg * Math.PI) / 180, e = (camera.elevation_deg * Math.PI) / 180;
  const right = [Math.cos(a), 0, -Math.sin(a)], up = [-Math.sin(e) * Math.sin(a), Math.cos(e), -Math.sin(e) * Math.cos(a)];
  const backward = [Math.cos(e) * Math.sin(a), Math.sin(e), Math.cos(e) * Math.cos(a)];
  const scale = Math.min(width / camera.width, height / camera.height), [left, top, side] = camera.crop;
  const eye = camera.target.map((value, axis) => value + camera.radius * backward[axis]);
  const focal = (scale * side) / 2 / Math.tan((camera.fov_deg * Math.PI) / 360);
  const middle = [
    (width - scale * camera.width) / 2 + scale * (left + side / 2),
    (height - scale * camera.height) / 2 + scale * (top + side / 2),
  ];
  return { right, up, backward, eye, focal, middle, scale };
}

/** A sorter off the page's own thread; on it where workers are not allowed. `answer` is called with the order. */
export function createSplatSorter(answer) {
  try {
    const source = `${sortSplats}; let positions, box; onmessage = ({ data }) => {
      if (data.positions) { ({ positions, box } = data); return; }
      const order = sortSplats(positions, data.direction, box);
      postMessage({ order, ticket: data.ticket }, [order.buffer]); }`;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" })), worker = new Worker(address);
    worker.onmessage = ({ data }) => answer(data.order, data.ticket);
    return {
      load: (positions, box) => worker.postMessage({ positions, box }),
      sort: (direction, ticket) => worker.postMessage({ direction, ticket }),
      close() { worker.terminate(); URL.revokeObjectURL(address); },
    };
  } catch {
    let all = new Float32Array(0), around = null;
    return {
      load(positions, box) { all = positions; around = box; },
      sort(direction, ticket) { setTimeout(() => answer(sortSplats(all, direction, around), ticket)); },
      close() {},
    };
  }
}
