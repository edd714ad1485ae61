// The page of a companion. The talk is held here; the server keeps none.
import { ask, json, reply } from './api.js'
import { curve } from './curve.js'

const $ = (id) => document.getElementById(id)
const USER = 'me'
const KEEP = 'rapport-talk', THEME = 'rapport-theme'
let companions = [], about = {}, talk = [], running = null, editing = null, name = ''

const made = (tag, attributes = {}, ...inside) => {
  const element = Object.assign(document.createElement(tag), attributes)
  element.append(...inside)
  return element
}
const who = () => companions.find((one) => one.id === $('who').value) ?? companions[0]
const plain = () => talk.map(({ role, content }) => ({ role, content }))
const body = () => ({ model: who().id, messages: plain(), ...(about.memory && { user: USER }) })

// --- the talk

function begin() {
  running?.abort()
  const greeting = who().rapport.greeting
  talk = greeting ? [{ role: 'assistant', content: greeting, swipes: [greeting] }] : []
  name = `${who().id.replace(/[^\w-]/g, '')}-${Date.now()}`.slice(-64)
  editing = null
  keep()
}

function keep() {
  sessionStorage.setItem(KEEP, JSON.stringify({ model: who().id, name, talk }))
  show()
  course()
}

function restore() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEEP))
    if (!companions.some((one) => one.id === kept.model)) return false
    $('who').value = kept.model
    talk = kept.talk
    name = kept.name
    return true
  } catch {
    return false
  }
}

async function answer(old) {
  problem('')
  const controller = running = new AbortController()
  const asked = body()
  const message = { role: 'assistant', content: '', swipes: old?.swipes ?? [] }
  talk.push(message)
  busy(true)
  try {
    for await (const piece of reply(asked, controller.signal)) {
      message.content += piece.text
      if (piece.rapport) message.rapport = piece.rapport
      said(message)
    }
    if (!message.content) throw new Error('The reply broke off. Ask again.')
    if (!message.swipes.includes(message.content)) message.swipes = [...message.swipes, message.content]
  } catch (error) {
    talk = talk.filter((one) => one !== message)
    if (old) talk.push(old)
    if (error.name !== 'AbortError') problem(error.message)
  } finally {
    if (running === controller) {
      running = null
      busy(false)
      keep()
    }
  }
}

async function say(text) {
  talk.push({ role: 'user', content: text })
  await answer()
}

const again = () => answer(talk.pop())

function swipe(index, by) {
  const message = talk[index]
  const place = message.swipes.indexOf(message.content) + by
  if (place < 0 || place >= message.swipes.length) return
  message.content = message.swipes[place]
  delete message.rapport
  keep()
}

async function edited(index, text) {
  const message = talk[index]
  editing = null
  if (!text.trim() || text === message.content) return show()
  talk = talk.slice(0, index)
  talk.push({ ...message, content: text, swipes: message.swipes && [...message.swipes, text] })
  keep()
  if (message.role === 'user') await answer()
}

// --- what is seen

function show() {
  $('turns').replaceChildren(...talk.map(turn))
  $('export').disabled = $('save').disabled = !talk.some((one) => one.role === 'user')
  $('turns').lastElementChild?.scrollIntoView({ block: 'end' })
}

function turn(message, index) {
  const item = made('li', { className: `turn ${message.role}` })
  if (editing === index) {
    const field = made('textarea', { className: 'edit', value: message.content })
    field.setAttribute('aria-label', 'Edit the message')
    const done = made('button', { textContent: 'Done', onclick: () => edited(index, field.value) })
    const stop = made('button', { textContent: 'Leave it', onclick: () => { editing = null; show() } })
    item.append(field, made('div', { className: 'tools' }, done, stop))
    queueMicrotask(() => field.focus())
    return item
  }
  if (running && index === talk.length - 1) item.classList.add('waiting')
  item.append(made('div', { className: 'say', dir: 'auto', textContent: message.content }))
  if (!running) item.append(tools(message, index))
  return item
}

function tools(message, index) {
  const row = made('div', { className: 'tools' })
  const add = (label, title, onclick, pressed) => {
    const button = made('button', { textContent: label, title, onclick })
    button.setAttribute('aria-label', title)
    if (pressed !== undefined) button.setAttribute('aria-pressed', pressed)
    row.append(button)
  }
  if (message.role === 'assistant') {
    const place = message.swipes.indexOf(message.content), count = message.swipes.length
    if (count > 1) {
      add('‹', 'The text before', () => swipe(index, -1))
      row.append(`${place + 1} / ${count}`)
      add('›', 'The next text', () => swipe(index, 1))
    }
    if (index === talk.length - 1 && index > 0) add('↻', 'Another reply', again)
    for (const [sign, thumb, title] of [['▲', 1, 'Good'], ['▼', -1, 'Not good']]) {
      const pressed = message.thumb === thumb
      add(sign, title, () => { message.thumb = pressed ? 0 : thumb; keep() }, pressed)
    }
  }
  add('✎', 'Edit', () => { editing = index; show() })
  return row
}

function said(message) {
  const last = $('turns').lastElementChild
  if (last) last.querySelector('.say').textContent = message.content
}

function busy(is) {
  $('send').hidden = is
  $('stop').hidden = !is
  show()
}

function problem(text) {
  $('problem').textContent = text
  $('problem').hidden = !text
}

function card() {
  const { name: called, about: text } = who().rapport
  $('card').replaceChildren(made('b', { textContent: called }), made('p', { textContent: text ?? '' }))
}

// --- where the talk stands

async function course() {
  const asked = talk.length
  if (!asked) return
  try {
    const { messages } = await json('/talk/course', body())
    if (asked === talk.length) stands(messages)
    await remembered()
  } catch (error) {
    problem(error.message)
  }
}

function stands(rows) {
  const now = rows.at(-1), shown = rows.slice(0, -1)
  const feels = shown.findLast((row) => row.role === 'user')?.feels ?? 'nothing yet'
  $('now').replaceChildren(made('div', { className: 'now' },
    made('b', { textContent: now.stage }),
    made('p', { textContent: `you: ${feels}; steps taken up: ${now.steps}` }),
    made('p', {}, 'next: ', step(now), ` ${now.why}`)))
  $('curve').replaceChildren(curve(shown))
  const own = shown.map((row, index) => [row, index]).filter(([row]) => row.role === 'assistant')
  $('steps').replaceChildren(...own.reverse().map(([row, index]) => decision(row, talk[index], index)))
}

const step = (row) => made('span', { className: `step ${row.step}`, textContent: row.step })

function decision(row, message, index) {
  const item = made('li', {}, step(row), ` ${index ? row.why : 'the greeting on the card'}`)
  const tries = message?.rapport?.tries.filter((one) => one !== 'chosen') ?? []
  const notes = [`message ${index + 1}, ${row.stage}`]
  if (tries.length) notes.push(`asked again: ${tries.join(', ')}`)
  if (message?.rapport?.by === 'line') notes.push('a line of the last resort')
  item.append(made('small', { textContent: notes.join(' · ') }))
  return item
}

async function remembered() {
  if (!about.memory) return
  facts(await json(`/talk/memory?model=${encodeURIComponent(who().id)}&user=${USER}`))
}

function facts(memory) {
  $('memory').hidden = false
  const since = memory.last ? `${memory.stage}, last talk ${memory.last.slice(0, 10)}` : 'nothing yet'
  const head = made('li', { className: 'hint', textContent: since })
  const rows = memory.facts.map((fact, index) => made('li', {},
    made('span', { textContent: `${fact.kind}: “${fact.quote}”` }),
    made('button', { textContent: 'Forget', onclick: () => forget(index) })))
  $('facts').replaceChildren(head, ...rows)
}

async function forget(index) {
  const query = `model=${encodeURIComponent(who().id)}&user=${USER}&fact=${index}`
  facts(await json(`/talk/memory?${query}`, null, { method: 'DELETE' }))
}

// --- taken away

const whole = () => ({
  model: who().id,
  name,
  messages: talk.map(({ role, content, swipes, thumb }) => ({ role, content, swipes, thumb })),
})

async function exported() {
  const file = await (await ask('/talk/export', whole())).blob()
  const link = made('a', { href: URL.createObjectURL(file), download: `${name}.jsonl` })
  link.click()
  URL.revokeObjectURL(link.href)
}

async function saved() {
  await json('/talk/save', whole())
  $('save').textContent = 'Saved'
  setTimeout(() => { $('save').textContent = 'Save' }, 1500)
}

// --- begin

const guarded = (action) => () => Promise.resolve(action()).catch((error) => problem(error.message))

function listen() {
  $('write').onsubmit = (event) => {
    event.preventDefault()
    const text = $('text').value.trim()
    if (!text || running) return
    $('text').value = ''
    say(text)
  }
  $('text').onkeydown = (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    $('write').requestSubmit()
  }
  $('stop').onclick = () => running?.abort()
  $('fresh').onclick = begin
  $('who').onchange = () => { card(); begin() }
  $('export').onclick = guarded(exported)
  $('save').onclick = guarded(saved)
  $('panel').onclick = () => $('panel').setAttribute('aria-expanded', $('side').classList.toggle('open'))
  $('theme').onclick = () => {
    const isDark = getComputedStyle(document.documentElement).colorScheme === 'dark' ||
      (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches)
    theme(isDark ? 'light' : 'dark')
  }
}

function theme(wanted) {
  if (!wanted) return
  document.documentElement.dataset.theme = wanted
  localStorage.setItem(THEME, wanted)
}

async function start() {
  theme(localStorage.getItem(THEME))
  listen()
  about = await json('/talk/about')
  companions = (await json('/v1/models')).data
  $('who').replaceChildren(...companions.map((one) => new Option(one.rapport.name, one.id)))
  $('who').hidden = companions.length < 2
  $('by').textContent = about.rehearsal ? 'rehearsal model' : about.model
  $('by').hidden = false
  $('save').hidden = !about.saves
  const goes = restore()
  card()
  if (goes) keep()
  else begin()
  $('text').focus()
}

start().catch((error) => problem(error.message))
