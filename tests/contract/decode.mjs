// The parameters of a recorded request, by Seam's rules: from the query, the body, or both (the body wins).
import { shapes } from './spec.mjs'

/** Gives the parameters, and what is wrong with how they are written. */
export function parameters({ method, query, request_body: body, request_headers: headers }, schema) {
  const problems = []
  const complain = (at, what) => problems.push({ at, what })
  const found = fromQuery(query ?? '', schema, complain)
  if (body) {
    if (!/^application\/json\b/.test(headers['content-type'] ?? '')) complain('/', 'is a body without `content-type: application/json`')
    if (method === 'GET' || method === 'DELETE') complain('/', `is a body on ${method}`)
    try {
      const read = JSON.parse(body)
      if (read !== Object(read) || Array.isArray(read)) complain('/', 'is a body that is no object')
      else Object.assign(found, read)
    } catch {
      complain('/', 'is a body that is not JSON')
    }
  }
  return { found, problems }
}

function fromQuery(query, schema, complain) {
  const texts = new Map()
  for (const [name, value] of new URLSearchParams(query)) texts.set(name, [...(texts.get(name) ?? []), value])
  const strict = texts.get('_strict')
  if (strict && strict.join() !== 'true') complain('/_strict', 'is not `true`')
  texts.delete('_strict')
  const found = {}
  for (const [name, values] of texts) {
    const [outer, ...inner] = name.split('.')
    let place = found
    let known = property(schema, outer)
    let last = outer
    for (const part of inner) {
      place = place[last] ??= {}
      known = known && property(known, part)
      last = part
    }
    // An unknown one stays text: the schema will refuse its name.
    place[last] = known ? typed(known, values, (what) => complain(`/${name}`, what)) : values[0]
  }
  return found
}

const property = (schema, name) => shapes(schema).map((shape) => shape.properties[name]).find(Boolean)

/** Texts as what the schema says they are. */
function typed(schema, values, complain) {
  const [text] = values
  if (schema.type === 'array') return values.join() === '' ? [] : values.map((value) => typed(schema.items ?? {}, [value], complain))
  if (values.length > 1) complain('is given more than once')
  if (text === '') {
    // Seam reads an empty value as null.
    return null
  }
  if (schema.type === 'boolean') return { true: true, false: false }[text] ?? text
  if (schema.type === 'number' || schema.type === 'integer') return Number.isFinite(Number(text)) ? Number(text) : text
  return text
}
