// The closeness of a talk: a dot for each message, a line for the level that both have shown.
const NS = 'http://www.w3.org/2000/svg'
const WIDTH = 300, HEIGHT = 120, LEFT = 54
const BORDERS = [[0.35, 'close'], [0, 'casual'], [-0.3, 'strangers']]

const node = (name, attributes, text) => {
  const made = document.createElementNS(NS, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  if (text) made.textContent = text
  return made
}

const y = (value) => HEIGHT / 2 - value * (HEIGHT / 2 - 6)

export function curve(rows) {
  const svg = node('svg', { class: 'curve', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' })
  svg.append(node('title', {}, 'Closeness of each message, from distant to intimate'))
  for (const [level, name] of BORDERS) {
    svg.append(node('line', { class: 'axis', x1: LEFT, x2: WIDTH, y1: y(level), y2: y(level) }))
    svg.append(node('text', { x: 0, y: y(level) + 3.5 }, name))
  }
  const step = (WIDTH - LEFT - 8) / Math.max(1, rows.length - 1)
  const x = (index) => LEFT + 4 + index * step
  const levels = rows.map((row, index) => `${x(index)},${y(row.level ?? -0.3)}`)
  if (levels.length > 1) svg.append(node('polyline', { class: 'level', points: levels.join(' ') }))
  rows.forEach((row, index) => {
    if (row.closeness === null) return
    const kind = row.role === 'user' ? 'user' : 'own'
    const dot = node('circle', { class: kind, cx: x(index), cy: y(row.closeness), r: 3 })
    dot.append(node('title', {}, `message ${index + 1}: ${row.closeness.toFixed(2)}`))
    svg.append(dot)
  })
  return svg
}
