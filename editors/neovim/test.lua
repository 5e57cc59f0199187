-- Run by the tests: `nvim --headless -u NONE --cmd "set rtp+=editors/neovim" -l test.lua FILE COAMING`.
-- Opens a manifest, waits for the finding, suppresses it with a reason, and waits until it is gone.

local file, program = arg[1], arg[2]

local function fail(message)
  io.stderr:write(message .. "\n")
  vim.cmd("cquit 1")
end

local function wait(what, condition)
  if not vim.wait(20000, condition, 50) then
    fail("no " .. what .. ": " .. vim.inspect(vim.diagnostic.get(0)))
  end
end

local function has(code)
  for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
    if diagnostic.code == code then
      return diagnostic
    end
  end
end

vim.ui.input = function(_, answer)
  answer("it builds images")
end

require("coaming").setup({ cmd = { program, "lsp" } })
vim.cmd("filetype on")
vim.cmd("edit " .. vim.fn.fnameescape(file))
vim.bo.filetype = "yaml"

wait("finding", function() return has("privileged") end)
local finding = has("privileged")
vim.api.nvim_win_set_cursor(0, { finding.lnum + 1, finding.col })
vim.lsp.buf.code_action({
  apply = true,
  filter = function(action) return action.title:find("Suppress `privileged`", 1, true) ~= nil end,
})
wait("suppression", function() return not has("privileged") end)
local line = vim.api.nvim_buf_get_lines(0, finding.lnum, finding.lnum + 1, false)[1]
if not line:find("# coaming: ignore[privileged] it builds images", 1, true) then
  fail("not the comment: " .. line)
end
vim.cmd("qall!")
