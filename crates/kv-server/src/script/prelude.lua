-- What scripts find around them: libraries and globals that can be read and not changed.
--
-- Gets what the server brings (`host`) and hands back the tables of globals and what works on them.
-- Whoever reads a protected table has a proxy in hand; nothing gives out the table behind it.

local host = ...

local error, type, next, unpack, tostring = error, type, next, unpack, tostring
local pcall, xpcall, rawget, rawset = pcall, xpcall, rawget, rawset
local setmetatable, getmetatable = setmetatable, getmetatable
local setfenv = setfenv
local resume, collectgarbage = coroutine.resume, collectgarbage

local READONLY = 'Attempt to modify a readonly table'

-- Of each proxy, the table behind it, and its metatable.
local behind, metatable_of = {}, {}

local function refuse()
  error(READONLY, 2)
end

local function protect(table)
  local proxy = {}
  behind[proxy] = table
  metatable_of[proxy] = {__index = table, __newindex = refuse, __metatable = false}
  return setmetatable(proxy, metatable_of[proxy])
end

local function copy(table)
  local copied = {}
  for key, value in next, table do
    copied[key] = value
  end
  return copied
end

-- Errors that come from the server are objects of its own: scripts get what they stand for. One that ends the
-- script cannot be caught.
local function caught(err)
  if type(err) ~= 'userdata' then
    return err
  end
  local reason, is_final = host.reason(err)
  if is_final then
    error(err, 0)
  end
  return reason
end

local function settle(ok, ...)
  if ok then
    return true, ...
  end
  return false, caught((...))
end

local globals = {
  _VERSION = _VERSION,
  assert = assert,
  error = error,
  gcinfo = gcinfo,
  ipairs = ipairs,
  load = host.load,
  loadstring = host.loadstring,
  rawequal = rawequal,
  select = select,
  tonumber = tonumber,
  tostring = tostring,
  type = type,
  bit = protect(host.bit),
  cjson = protect(host.cjson),
  cmsgpack = protect(host.cmsgpack),
  struct = protect(host.struct),
  redis = protect(host.redis),
  os = protect({clock = os.clock}),
}
globals.server = globals.redis

-- What is caught of an error reply is its text.
local function settle_text(ok, ...)
  if ok then
    return true, ...
  end
  local err = caught((...))
  if type(err) == 'table' then
    local text = err.err
    if type(text) == 'string' or type(text) == 'number' then
      return false, text
    end
  end
  return false, err
end

function globals.pcall(...)
  return settle_text(pcall(...))
end

function globals.xpcall(f, handler)
  local is_final
  local function handle(err)
    if type(err) == 'userdata' then
      local reason
      reason, is_final = host.reason(err)
      if is_final then
        return err
      end
      err = reason
    end
    return handler(err)
  end
  local function done(ok, ...)
    if is_final then
      error((...), 0)
    end
    return ok, ...
  end
  return done(xpcall(f, handle))
end

function globals.next(table, key)
  local real = behind[table]
  return next(real or table, key)
end

function globals.pairs(table)
  local real = behind[table]
  return next, real and copy(real) or table, nil
end

function globals.rawget(table, key)
  return rawget(behind[table] or table, key)
end

function globals.unpack(...)
  host.check_unpack(...)
  return unpack(...)
end

-- Nobody gets a metatable in hand, but some find that there is one.
local decoy = protect({})
local has_decoy = {}

function globals.getmetatable(value)
  if type(value) == 'string' or value ~= nil and has_decoy[value] then
    return decoy
  end
  if value ~= nil and behind[value] then
    return nil
  end
  return getmetatable(value)
end

-- These refuse as functions of the server, whose callers are known in any case.
globals.rawset = host.guarded(rawset, behind)
globals.setmetatable = host.guarded(setmetatable, behind)

-- The collector belongs to the server: it can be asked, and told to work, but not to stop.
function globals.collectgarbage(what, ...)
  if what == nil or what == 'count' or what == 'collect' or what == 'step' then
    return collectgarbage(what, ...)
  end
  return 0
end

local strings = copy(string)
strings.rep = host.rep
globals.string = protect(strings)
globals.table = protect(copy(table))

local threads = copy(coroutine)
function threads.resume(...)
  return settle(resume(...))
end
globals.coroutine = protect(threads)

local maths = copy(math)
maths.random, maths.randomseed = host.random, host.randomseed
globals.math = protect(maths)

local function miss(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

local environment = protect(setmetatable(globals, {__index = miss}))
globals._G = environment
has_decoy[environment] = true

-- The methods of strings, `("x"):upper()`.
local methods = getmetatable('')
methods.__index = globals.string
methods.__metatable = false

-- Functions have globals of their own, without what belongs to one script. While their library is loaded, they see
-- next to nothing.
local function_globals = setmetatable(copy(globals), {__index = miss})
function_globals.redis = protect(host.function_redis)
function_globals.server = function_globals.redis

local loading_globals = setmetatable({
  redis = protect(setmetatable(host.loading_redis, {__index = miss})),
  server = protect(setmetatable(host.loading_server, {__index = miss})),
}, {__index = miss})

local function_environment = protect(function_globals)
function_globals._G = function_environment
has_decoy[function_environment] = true

local function set_loading(is_on)
  rawset(metatable_of[function_environment], '__index', is_on and loading_globals or function_globals)
end

local function with_function_globals(load)
  return function(...)
    local loaded, reason = load(...)
    if loaded then
      setfenv(loaded, function_environment)
    end
    return loaded, reason
  end
end
function_globals.load = with_function_globals(host.load)
function_globals.loadstring = with_function_globals(host.loadstring)

-- Runs a program, with two arguments or with none; whether it ended well, and what it returned or why it did not.
local function run(program, keys, args)
  if keys == nil then
    return xpcall(program, host.blame)
  end
  return xpcall(function() return program(keys, args) end, host.blame)
end

-- What a script may have put in front of a protected table goes with it.
local function tidy()
  for proxy in next, behind do
    if next(proxy) ~= nil then
      for key in next, copy(proxy) do
        rawset(proxy, key, nil)
      end
    end
  end
end

return {
  globals = globals,
  environment = environment,
  function_environment = function_environment,
  set_loading = set_loading,
  run = run,
  tidy = tidy,
}
