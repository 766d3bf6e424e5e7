// Draws splats and their box with WebGL 2. Knows what is drawn, not when.

import { SPLATS_PER_ROW, TEXELS } from "./splats.js";

const LEAST_ALPHA = 1 / 255;

const SPLAT_VERTEX = `#version 300 es
precision highp float; precision highp int;
uniform highp sampler2D shapes, colours;
uniform mat3 axes; // rows: right, up and backward of the camera
uniform vec3 eye, lens; // lens: focal length and principal point, in pixels of the canvas
uniform vec2 size;
uniform float near;
in vec2 corner; in uint index;
out vec2 place; out vec4 tint;
void main() {
  gl_Position = vec4(0., 0., 2., 1.); // behind the far plane: not drawn
  ivec2 cell = ivec2(int(index % ${SPLATS_PER_ROW}u), int(index / ${SPLATS_PER_ROW}u)), at = cell * ivec2(${TEXELS}, 1);
  vec4 a = texelFetch(shapes, at, 0), b = texelFetch(shapes, at + ivec2(1, 0), 0);
  vec4 c = texelFetch(shapes, at + ivec2(2, 0), 0);
  tint = texelFetch(colours, cell, 0);
  vec3 seen = axes * (a.xyz - eye);
  float depth = -seen.z;
  if (depth < near || tint.a < ${LEAST_ALPHA}) return;
  // The splat's shadow on the picture. Source: Zwicker et al., "EWA Splatting" (2002); 0.3 pixels of blur as 3DGS.
  mat3 spread = mat3(b.x, b.y, b.z, b.y, b.w, c.x, b.z, c.x, c.y);
  vec2 slope = seen.xy / depth, limit = 1.3 * max(abs(lens.yz), abs(size - lens.yz)) / lens.x;
  vec2 bent = clamp(slope, -limit, limit);
  vec3 u = (lens.x / depth) * vec3(1., 0., bent.x) * axes, v = (lens.x / depth) * vec3(0., 1., bent.y) * axes;
  float uu = dot(u, spread * u) + .3, uv = dot(u, spread * v), vv = dot(v, spread * v) + .3;
  float middle = .5 * (uu + vv), apart = length(vec2(.5 * (uu - vv), uv));
  float reach = sqrt(2. * log(tint.a / ${LEAST_ALPHA})), most = 2. * max(size.x, size.y);
  vec2 along = abs(uv) < 1e-6 ? (uu >= vv ? vec2(1., 0.) : vec2(0., 1.)) : normalize(vec2(uv, middle + apart - uu));
  place = corner * reach;
  vec2 pixels = place.x * min(sqrt(middle + apart), most) * along
    + place.y * min(sqrt(max(middle - apart, .1)), most) * vec2(-along.y, along.x);
  vec2 centre = vec2(lens.y, size.y - lens.z) + lens.x * slope; // y up, as the screen of WebGL has it
  gl_Position = vec4((centre + pixels) / size * 2. - 1., 0., 1.);
}`;
const SPLAT_FRAGMENT = `#version 300 es
precision highp float;
in vec2 place; in vec4 tint; out vec4 colour;
void main() {
  float alpha = min(.99, tint.a * exp(-.5 * dot(place, place)));
  if (alpha < ${LEAST_ALPHA}) discard;
  colour = vec4(tint.rgb * alpha, alpha);
}`;
const BOX_VERTEX = `#version 300 es
precision highp float;
uniform mat3 axes; uniform vec3 eye, lens; uniform vec2 size; uniform float near;
in vec3 corner;
void main() {
  vec3 seen = axes * (corner - eye);
  vec2 centre = vec2(lens.y, size.y - lens.z) * -seen.z + lens.x * seen.xy;
  gl_Position = vec4(centre / size * 2. + seen.z, 0., -seen.z);
}`;
const BOX_FRAGMENT = `#version 300 es
precision highp float; out vec4 colour;
void main() { colour = vec4(1., .45, .32, 1.); }`;

/** The WebGL half: what is drawn, not when. Null where the browser has no WebGL 2. */
export function createSplatPainter(canvas) {
  const gl = canvas.getContext("webgl2", { alpha: true, premultipliedAlpha: true, antialias: false });
  if (!gl) return null;
  function compiled(vertex, fragment) {
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) || "no shader");
    return program;
  }
  const splats = compiled(SPLAT_VERTEX, SPLAT_FRAGMENT), lines = compiled(BOX_VERTEX, BOX_FRAGMENT);
  const quad = gl.createBuffer(), indexes = gl.createBuffer(), box = gl.createBuffer();
  const [splatArray, boxArray] = [gl.createVertexArray(), gl.createVertexArray()];
  function attribute(program, array, buffer, name, width, isIndex) {
    const at = gl.getAttribLocation(program, name);
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(at);
    if (isIndex) { gl.vertexAttribIPointer(at, 1, gl.UNSIGNED_INT, 0, 0); gl.vertexAttribDivisor(at, 1); }
    else gl.vertexAttribPointer(at, width, gl.FLOAT, false, 0, 0);
  }
  function fill(buffer, values) {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
  }
  attribute(splats, splatArray, quad, "corner", 2);
  attribute(splats, splatArray, indexes, "index", 1, true);
  attribute(lines, boxArray, box, "corner", 3);
  fill(quad, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]));
  const textures = ["shapes", "colours"].map((name, unit) => {
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
    gl.useProgram(splats);
    gl.uniform1i(gl.getUniformLocation(splats, name), unit);
    return texture;
  });
  let drawn = 0;
  function look(program, view) {
    const at = (name) => gl.getUniformLocation(program, name);
    gl.useProgram(program);
    gl.uniformMatrix3fv(at("axes"), true, [...view.right, ...view.up, ...view.backward]);
    gl.uniform3fv(at("eye"), view.eye);
    gl.uniform3f(at("lens"), view.focal, ...view.middle);
    gl.uniform2f(at("size"), canvas.width, canvas.height);
    gl.uniform1f(at("near"), view.near);
  }
  return {
    load({ rows, shapes, colours }) {
      drawn = 0;
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, textures[0]);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, SPLATS_PER_ROW * TEXELS, rows, 0, gl.RGBA, gl.FLOAT, shapes);
      this.tint(rows, colours);
    },
    tint(rows, colours) {
      gl.activeTexture(gl.TEXTURE1);
      gl.bindTexture(gl.TEXTURE_2D, textures[1]);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, SPLATS_PER_ROW, rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, colours);
    },
    order(order) { fill(indexes, order); drawn = order.length; },
    box({ low, high }) {
      const ends = [low, high], points = [];
      for (let axis = 0; axis < 3; axis++)
        for (const [one, other] of [[0, 0], [0, 1], [1, 0], [1, 1]])
          for (const end of [0, 1]) {
            const pick = [0, 0, 0];
            pick[axis] = end; pick[(axis + 1) % 3] = one; pick[(axis + 2) % 3] = other;
            points.push(...pick.map((which, k) => ends[which][k]));
          }
      fill(box, new Float32Array(points));
    },
    draw(view, { background, showBox }) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(...(background ? [...background, 1] : [0, 0, 0, 0]));
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      if (drawn) {
        look(splats, view);
        gl.bindVertexArray(splatArray);
        gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, drawn);
      }
      if (showBox) {
        look(lines, view);
        gl.bindVertexArray(boxArray);
        gl.drawArrays(gl.LINES, 0, 24);
      }
    },
    close() { gl.getExtension("WEBGL_lose_context")?.loseContext(); },
  };
}
