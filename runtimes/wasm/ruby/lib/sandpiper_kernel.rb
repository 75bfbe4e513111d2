# frozen_string_literal: true

# Runs the cells of a kernel, one after another, in one binding.

require "sandpiper"

module SandpiperKernel
  HERE = __FILE__
  MAX_TEXT = 1 << 20 # characters of a result's plain text

  # What a thing can say of itself besides its plain text.
  HOOKS = { to_html: "text/html", to_svg: "image/svg+xml", to_markdown: "text/markdown" }.freeze

  @cells = 0
  @binding = TOPLEVEL_BINDING.dup

  TOPLEVEL_BINDING.receiver.define_singleton_method(:display) { |*things| Sandpiper.display(*things) }

  class << self
    # Prepares for open files that are not open any more, and for random numbers
    # that no other kernel has.
    def renew
      Sandpiper.instance_variable_set(:@device, nil)
      srand
      nil
    end

    # Runs a cell and returns what came of it, as JSON.
    def cell(code)
      @cells += 1
      Sandpiper.instance_variable_set(:@shown, nil)
      $stdin = IO.for_fd(0, "r", autoclose: false) # what the last cell has not read is not this one's
      Sandpiper::JSONText.line(attempt(code, "<cell #{@cells}>"))
    end

    private

    def attempt(code, name)
      { "name" => name, "result" => execute(code, name) }
    rescue Exception => error
      describe(error, name)
    end

    # Runs the code and returns the bundle for its value.
    def execute(code, name)
      value = @binding.eval(code, name, 1)
      @binding.local_variable_set(:_, value)
      return if value.nil? || code.rstrip.end_with?(";") || value.equal?(Sandpiper.instance_variable_get(:@shown))

      { "data" => bundle(value), "metadata" => {} }
    end

    def bundle(value)
      data = { "text/plain" => text(value) }
      HOOKS.each do |hook, mime|
        data[mime] = value.public_send(hook).to_s if value.respond_to?(hook) && value.method(hook).arity.between?(-1, 0)
      end
      data.update(value.to_mime_bundle) if value.respond_to?(:to_mime_bundle)
      data.transform_values { |v| v.is_a?(String) && v.encoding == Encoding::BINARY ? [v].pack("m0") : v }
    end

    def text(value)
      text = value.inspect
      text.size > MAX_TEXT ? "#{text[0, MAX_TEXT]}… (#{text.size - MAX_TEXT} more characters)" : text
    end

    # Returns what an exception is for the engine.
    def describe(error, name)
      lines = SandpiperRun.message_of(error).lines(chomp: true)
      answer = { "name" => name, "end" => end_of(error), "error" => {
        "name" => error.class.to_s, "value" => error.message.to_s, "traceback" => lines
      } }
      answer["exitCode"] = error.status if error.is_a?(SystemExit)
      answer
    rescue Exception => worse
      { "name" => name, "end" => "error", "error" => { "name" => worse.class.to_s, "value" => "", "traceback" => [worse.class.to_s] } }
    end

    def end_of(error)
      case error
      when SystemExit then "exit"
      when Interrupt then "interrupted"
      when NoMemoryError then "memory"
      else "error"
      end
    end
  end
end
