// What the page asks its server. The token, where one is needed, comes behind the # of the address.
const TOKEN = 'rapport-token'
if (location.hash.length > 1) {
  sessionStorage.setItem(TOKEN, decodeURIComponent(location.hash.slice(1)))
  history.replaceState(null, '', location.pathname)
}

const headers = () => {
  const token = sessionStorage.getItem(TOKEN)
  return { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) }
}

const failed = async (response) => {
  const body = await response.json().catch(() => ({}))
  return new Error(body.error?.message ?? `The server answers ${response.status}.`)
}

export async function ask(path, body, options = {}) {
  const method = body ? 'POST' : 'GET'
  const sent = { method, headers: headers(), body: body && JSON.stringify(body), ...options }
  const response = await fetch(path, sent)
  if (!response.ok) throw await failed(response)
  return response
}

export const json = async (path, body, options) => (await ask(path, body, options)).json()

// The pieces of a reply, in order; last, what the server says of it.
export async function * reply(body, signal) {
  const response = await ask('/v1/chat/completions', { ...body, stream: true }, { signal })
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const events = (rest + value).split('\n\n')
    rest = events.pop()
    for (const event of events) {
      if (!event.startsWith('data: ') || event === 'data: [DONE]') continue
      const chunk = JSON.parse(event.slice(6))
      if (chunk.error) throw new Error(chunk.error.message)
      yield { text: chunk.choices[0]?.delta.content ?? '', rapport: chunk.rapport }
    }
  }
}
