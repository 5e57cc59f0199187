-- Starts `coaming lsp` for manifests, charts and Dockerfiles. Needs Neovim 0.11.
--
--   require("coaming").setup({ cmd = { "coaming", "lsp" } })

local M = {}

local defaults = {
  cmd = { "coaming", "lsp" },
  filetypes = { "yaml", "json", "dockerfile", "helm", "yaml.helm-values" },
  root_markers = { "coaming.yaml", ".git" },
}

-- Asks for the reason of a suppression; without one, nothing is suppressed.
local function ask_reason(command, context)
  local suppression = command.arguments[1]
  vim.ui.input({ prompt = "Why is " .. suppression.rule .. " acceptable? " }, function(reason)
    if reason == nil or vim.trim(reason) == "" then
      return
    end
    local client = vim.lsp.get_client_by_id(context.client_id)
    if client == nil then
      return
    end
    suppression.reason = reason
    client:request("workspace/executeCommand", {
      command = "coaming.suppress",
      arguments = { suppression },
    }, nil, context.bufnr)
  end)
end

function M.setup(options)
  local config = vim.tbl_deep_extend("force", defaults, options or {})
  config.init_options = vim.tbl_extend("force", { asksForReasons = true }, config.init_options or {})
  config.commands = { ["coaming.askReason"] = ask_reason }
  vim.lsp.config("coaming", config)
  vim.lsp.enable("coaming")
end

return M
