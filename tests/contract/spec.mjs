// Seam's published OpenAPI document as validators that also refuse what it does not mention.
import { load } from './packages.mjs'

const SKIPPED = /^(description|deprecated|discriminator|default|title|example|x-.*)$/
const open = (schema) => schema.type === 'object' && schema.properties && schema.additionalProperties === undefined

/** OpenAPI 3.0 to JSON Schema, every object closed. */
export function close(schema) {
  if (schema.nullable) {
    const { nullable, ...rest } = schema
    return { anyOf: [{ type: 'null' }, close(rest)] }
  }
  if (schema.allOf) return union(alternatives(schema).map(close))
  const closed = {}
  for (const [key, value] of Object.entries(schema)) {
    if (SKIPPED.test(key)) continue
    // Seam's unions come from code that takes the first one that fits, so more than one may.
    if (key === 'oneOf' || key === 'anyOf') closed.anyOf = value.map(close)
    else if (key === 'properties') closed.properties = mapped(value, close)
    else if (key === 'items' || key === 'additionalProperties') closed[key] = value === Object(value) ? close(value) : value
    else if (key === 'exclusiveMinimum' && value === true) closed.exclusiveMinimum = schema.minimum
    else if (key === '$ref') closed.$ref = value.replace('#/components/schemas/', 'seam:')
    else closed[key] = value
  }
  if (open(schema)) closed.additionalProperties = false
  return closed
}

const mapped = (object, change) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
const union = (schemas) => (schemas.length === 1 ? schemas[0] : { anyOf: schemas })

/** The plain object schemas that an `allOf` of objects and unions amounts to. */
function alternatives(schema) {
  if (schema.oneOf) return schema.oneOf.flatMap(alternatives)
  if (!schema.allOf) return [schema]
  return schema.allOf.map(alternatives).reduce((whole, parts) => whole.flatMap((one) => parts.map((part) => merge(one, part))))
}

function merge(one, other) {
  if (!open(one) || !open(other)) throw new Error(`an allOf of something else than objects: ${JSON.stringify([one, other])}`)
  const required = [...(one.required ?? []), ...(other.required ?? [])]
  return { type: 'object', properties: { ...one.properties, ...other.properties }, required }
}

/** The plain object schemas that stand behind a request's schema. */
export const shapes = (schema) => alternatives(schema).filter((one) => one.properties)

export async function readSpec() {
  const { openapi } = await load('@seamapi/types/connect')
  const { Ajv2020 } = await load('ajv/dist/2020.js')
  const formats = (await load('ajv-formats')).default
  const ajv = new Ajv2020({ allErrors: true, strict: false, verbose: true })
  ;(formats.default ?? formats)(ajv)
  for (const [name, schema] of Object.entries(openapi.components.schemas)) ajv.addSchema(close(schema), `seam:${name}`)
  const compiled = new Map()
  const validator = (key, schema) => {
    if (!compiled.has(key)) compiled.set(key, ajv.compile(close(schema)))
    return compiled.get(key)
  }
  return {
    methods: (path) => Object.keys(openapi.paths[path] ?? {}).map((method) => method.toUpperCase()),
    /** Every endpoint takes POST, and whatever else it takes carries the same parameters. */
    requestSchema: (path) => openapi.paths[path].post.requestBody?.content['application/json'].schema ?? { type: 'object', properties: {} },
    request(path) {
      return validator(`> ${path}`, this.requestSchema(path))
    },
    response: (path, method) =>
      validator(`< ${path}`, openapi.paths[path][method.toLowerCase()].responses['200'].content['application/json'].schema),
  }
}

/** A validator's errors in words, of an union only the alternative that comes closest. */
export function words(errors) {
  const told = []
  for (const error of errors.filter((one) => one.keyword === 'anyOf')) {
    if (told.some((done) => within(error, done.errors))) continue
    told.push({ error, errors: branches(error, errors) })
  }
  const inside = new Set(told.flatMap(({ errors: all }) => all))
  const plain = errors.filter((error) => error.keyword !== 'anyOf' && !inside.has(error))
  const nearest = told.flatMap(({ error, errors: all }) => words(closest(error, all)))
  return [...plain.map(word), ...nearest]
}

const within = (error, all) => all.includes(error)

/** The errors that an `anyOf` collected from its alternatives. */
const branches = (outer, errors) => {
  const until = errors.indexOf(outer)
  return errors.slice(0, until).filter((one) => outer.schema.some((_, nth) => under(one, outer, nth)))
}

/** Alternatives that are known by reference carry the reference's own schema path; they are told by the value's place. */
const under = (one, outer, nth) =>
  one.schemaPath.startsWith(`${outer.schemaPath}/${nth}/`) ||
  (outer.schema[nth].$ref && one.schemaPath.startsWith(outer.schema[nth].$ref) && one.instancePath.startsWith(outer.instancePath))

function closest(outer, all) {
  const scored = outer.schema.map((_, nth) => {
    const own = all.filter((one) => under(one, outer, nth))
    // The wrong type, or another code than this alternative's, says that another one was meant.
    const foreign = own.some((one) => (one.keyword === 'type' && one.instancePath === outer.instancePath) || one.keyword === 'enum')
    return { own, score: own.length + (foreign ? 1_000 : 0) }
  })
  return scored.reduce((best, one) => (one.score < best.score ? one : best)).own
}

function word({ instancePath, keyword, params, message }) {
  const at = instancePath.replace(/\/\d+(?=\/|$)/g, '/*')
  if (keyword === 'additionalProperties') return { at: `${at}/${params.additionalProperty}`, what: 'is not in the specification' }
  if (keyword === 'required') return { at: `${at}/${params.missingProperty}`, what: 'is missing' }
  return { at: at || '/', what: message + (keyword === 'enum' ? `: ${params.allowedValues.slice(0, 5).join(', ')} …` : '') }
}
